using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Migrator.Model;

namespace Migrator.Journal;

// Data that one phase finds and another needs. The property names are in users' journals and do not change.

/// <param name="CreatesDatabase">
/// The database did not exist, so a rollback drops it. Recorded before the database is created.
/// </param>
/// <param name="CreatesRoles">Roles that did not exist on the isolated database's server.</param>
/// <param name="RevokesPublic">PUBLIC could connect to an existing database; a rollback grants that again.</param>
public sealed record ProvisionFacts(bool CreatesDatabase, string[] CreatesRoles, bool RevokesPublic);

/// <param name="Epoch">The guard's epoch when it was closed; null in journals of earlier versions.</param>
public sealed record CloseGuardFacts(long? Epoch);

public sealed record CopyFacts(long Rows, long Bytes, double Seconds);

/// <param name="Isolation">The value of <c>settings.isolation</c>.</param>
/// <param name="Snapshot">The isolated database's snapshot as of the flip; valid while this process lives.</param>
/// <param name="PauseParts">
/// Milliseconds of the pause by part, up to the commit that ended the pause; null in journals of earlier versions.
/// </param>
public sealed record CutoverFacts(
    JsonObject Isolation,
    string Snapshot,
    IReadOnlyDictionary<string, double>? PauseParts = null
);

/// <param name="RollbackBegan">
/// A rollback has begun since, and may have changed the shared rows: they need not be those of the flip any more.
/// </param>
public sealed record RollbackFacts(bool RollbackBegan);

/// <param name="Differing">The tables that differed at the flip.</param>
public sealed record VerifyFlipFacts(string[] Differing);

public sealed record ValidationFacts([property: JsonPropertyName("checks")] IReadOnlyList<Check> Checks);

/// <param name="Checked">The rows had the recorded digests when the deletion began.</param>
/// <param name="Deleted">Rows deleted so far, counted in the transactions that deleted them.</param>
/// <param name="Expected">Rows that were recorded, and are to be deleted; null in journals of earlier versions.</param>
public sealed record DeletionFacts(bool Checked, long Deleted = 0, long? Expected = null);

/// <param name="Recopied">Tables, each with a <c>pg_snapshot</c> of the shared database; null if there is none.</param>
public sealed record RecopiedFacts(IReadOnlyDictionary<string, string>? Recopied);

/// <summary>Data that later phases need.</summary>
/// <param name="Fingerprint">
/// The hash of the schema that the copy is of, as pg_dump writes it; empty before the promotion has begun.
/// </param>
public sealed record PreflightFacts(string Fingerprint, int SharedMajor, int IsolatedMajor);
