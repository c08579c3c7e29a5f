using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Migrator.Model;

namespace Migrator.Journal;

// What one phase learns and another needs. The property names are in users' journals and do not change.

/// <param name="CreatesDatabase">The database was not there: rollback drops it. Written before it is created.</param>
/// <param name="CreatesRoles">Roles that were not on the isolated database's server.</param>
/// <param name="RevokesPublic">PUBLIC could connect to a database that somebody made for us; rollback gives that back.</param>
public sealed record ProvisionFacts(bool CreatesDatabase, string[] CreatesRoles, bool RevokesPublic);

public sealed record CopyFacts(long Rows, long Bytes, double Seconds);

/// <param name="Isolation">The value of <c>settings.isolation</c>.</param>
/// <param name="Snapshot">The isolated database as it was flipped, for as long as this process lives.</param>
public sealed record CutoverFacts(JsonObject Isolation, string Snapshot);

/// <param name="Differing">The tables that were not the same at the flip.</param>
public sealed record VerifyFlipFacts(string[] Differing);

public sealed record ValidationFacts([property: JsonPropertyName("checks")] IReadOnlyList<Check> Checks);

/// <param name="Checked">The rows were the recorded ones when deleting began.</param>
public sealed record DeletionFacts(bool Checked);

/// <summary>What later phases rely on.</summary>
/// <param name="Fingerprint">The schema as it was judged; a change stops the promotion.</param>
public sealed record PreflightFacts(string Fingerprint, int SharedMajor, int IsolatedMajor);
