namespace Migrator.Model;

/// <summary>A failure that a user can fix: one sentence, the next step, the exit code. Never a bug.</summary>
public class MigratorException(ExitCode code, string message, Exception? inner = null) : Exception(message, inner)
{
    public ExitCode Code { get; } = code;

    /// <summary>True if a retry may succeed without any change: the other run has ended, the server is back.</summary>
    public bool Transient { get; init; }

    /// <summary>True if no further attempt of the same promotion can succeed: the next step is another command.</summary>
    public bool IsFinal { get; init; }

    /// <summary>The command's JSON document has told the failure already.</summary>
    public bool IsInDocument { get; init; }

    /// <summary>The command line or the settings are wrong; nothing was changed.</summary>
    public static MigratorException Usage(string message) => new(ExitCode.Usage, message);

    /// <summary>The command would do harm; nothing was changed.</summary>
    public static MigratorException Refused(string message) => new(ExitCode.Refused, message);
}
