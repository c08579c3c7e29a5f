namespace Migrator.Model;

/// <summary>
/// The change stream cannot resume from its position: slot and copy are discarded, and the next run starts
/// again.
/// </summary>
public sealed class StreamLostException(ExitCode code, string message, Exception? inner = null)
    : MigratorException(code, message, inner);
