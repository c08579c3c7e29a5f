namespace Migrator.Preflight;

/// <summary>A login of the settings, and what came of it.</summary>
/// <param name="Server"><c>shared</c> or <c>isolated</c>: the server that is to have the isolated database.</param>
/// <param name="Version">What the server says; null if it was not reached.</param>
public sealed record ReachedServer(
    string Server,
    string Host,
    int Port,
    string? Database,
    string? User,
    string? Version
);
