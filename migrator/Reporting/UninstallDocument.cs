namespace Migrator.Reporting;

/// <summary>What <c>uninstall --json</c> prints.</summary>
/// <param name="Database">The shared database. The triggers and the schema of the migrator are removed from it.</param>
/// <param name="Left">What is still there of the promotions, elsewhere or for somebody else to remove.</param>
public sealed record UninstallDocument(string Database, IReadOnlyList<string> Left, IReadOnlyList<string> NextSteps);
