namespace Migrator.Terminal;

/// <summary>What <c>--json</c> prints of a command that failed.</summary>
/// <param name="Error">The message, with what to do next.</param>
/// <param name="ExitCode">The program's exit code.</param>
/// <param name="NextSteps">The commands that the message recommends.</param>
sealed record ErrorDocument(string Error, int ExitCode, IReadOnlyList<string> NextSteps);
