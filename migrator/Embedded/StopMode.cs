namespace Migrator.Embedded;

/// <summary>
/// How a server is stopped; see
/// <see href="https://www.postgresql.org/docs/current/app-pg-ctl.html">pg_ctl</see>.
/// </summary>
public enum StopMode
{
    /// <summary>Sessions are terminated, their transactions rolled back, and a checkpoint is written.</summary>
    Fast,

    /// <summary>The server stops at once, as in a crash; the next start recovers.</summary>
    Immediate,
}
