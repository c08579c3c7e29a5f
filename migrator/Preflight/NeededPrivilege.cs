namespace Migrator.Preflight;

/// <summary>A right that a role of the migrator needs.</summary>
/// <param name="Server">Where the statement is to be run: <c>shared</c> or <c>isolated</c>.</param>
/// <param name="IsThere">The role has the right already.</param>
public sealed record NeededPrivilege(string Server, string Statement, string Reason, bool IsThere);
