using Migrator.Preflight;

namespace Migrator.Reporting;

/// <summary>What <c>check --json</c> prints.</summary>
sealed record CheckDocument(
    string? SettingsFile,
    IReadOnlyList<ReachedServer> Servers,
    IReadOnlyList<string> Faults,
    IReadOnlyList<string> Warnings,
    IReadOnlyList<string> NextSteps
);
