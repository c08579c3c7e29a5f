namespace Migrator.Preflight;

/// <summary>A right that a role of the migrator needs, or a role that has to be there.</summary>
/// <param name="Server">Where the statement is to be run: <see cref="LeastPrivileges.Shared"/> or <c>isolated</c>.</param>
/// <param name="IsThere">The role has the right already.</param>
/// <param name="ByHand">
/// A person decides, and no script gives it: the right is not needed always, or is worth more than it should be.
/// </param>
public sealed record NeededPrivilege(string Server, string Statement, string Reason, bool IsThere, bool ByHand = false);
