namespace Migrator.Reporting;

/// <summary>What <c>init --json</c> prints.</summary>
sealed record InitDocument(
    string SettingsFile,
    IReadOnlyList<string> SqlFiles,
    string Worker,
    string Administrator,
    IReadOnlyList<string> Notes,
    IReadOnlyList<string> NextSteps
);
