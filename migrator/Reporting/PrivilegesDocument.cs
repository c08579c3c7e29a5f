using Migrator.Preflight;

namespace Migrator.Reporting;

/// <summary>What <c>privileges --json</c> prints.</summary>
sealed record PrivilegesDocument(
    string Worker,
    string Administrator,
    IReadOnlyList<NeededPrivilege> Privileges,
    IReadOnlyList<string> NextSteps
);
