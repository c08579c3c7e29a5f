namespace Migrator.Model;

/// <summary>The process's exit codes; see the table in the README.</summary>
public enum ExitCode
{
    Done = 0,

    /// <summary>Failed; the same command resumes.</summary>
    Failed = 1,

    /// <summary>The command line, a setting or an input is wrong.</summary>
    Usage = 2,

    /// <summary>Preflight refused; nothing was changed.</summary>
    Refused = 3,

    /// <summary>Verification found a difference.</summary>
    Different = 4,

    /// <summary>Another run holds the tenant.</summary>
    Busy = 5,

    /// <summary>Ctrl-C or SIGTERM; the same command resumes.</summary>
    Interrupted = 130,
}
