namespace Migrator.Model;

/// <summary>The change stream cannot go on where it was: slot and copy are given up, the next run begins anew.</summary>
public sealed class StreamLostException(ExitCode code, string message, Exception? inner = null)
    : MigratorException(code, message, inner);
