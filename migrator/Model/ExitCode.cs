namespace Migrator.Model;

/// <summary>What the process tells its caller; the README's table of exit codes.</summary>
public enum ExitCode
{
    Done = 0,

    /// <summary>Failed on the way; the same command goes on from there.</summary>
    Failed = 1,

    /// <summary>The words on the command line, a setting or an input are wrong.</summary>
    Usage = 2,

    /// <summary>Preflight refused; nothing was changed.</summary>
    Refused = 3,

    /// <summary>Verification found a difference.</summary>
    Different = 4,

    /// <summary>Another run holds the tenant.</summary>
    Busy = 5,

    /// <summary>Ctrl-C or SIGTERM; the same command goes on from there.</summary>
    Interrupted = 130,
}
