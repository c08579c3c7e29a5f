using Migrator.Connections;
using Npgsql;

namespace Migrator.Journal;

/// <summary>The session that holds a tenant's lock: a run that is at work, or whoever else took the lock.</summary>
/// <param name="Process">The server process of the session.</param>
/// <param name="Application">Its application_name; a run's begins with <c>tp/</c>.</param>
/// <param name="Client">The address that the session comes from; null for a socket of the same machine.</param>
/// <param name="Since">When the session began.</param>
public sealed record ActiveRun(int Process, string User, string Application, string? Client, DateTime Since)
{
    /// <summary>Null when no run is at work. Needs no lock.</summary>
    public static Task<ActiveRun?> FindAsync(
        NpgsqlConnection shared,
        string tenantKey,
        CancellationToken cancellationToken
    ) =>
        shared.QueryFirstOrDefaultAsync<ActiveRun>(
            """
            SELECT a.pid AS "Process", a.usename::text AS "User", a.application_name AS "Application",
                   host(a.client_addr) AS "Client", a.backend_start AS "Since"
            FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
            WHERE l.locktype = 'advisory' AND l.granted AND l.mode = 'ExclusiveLock'
              AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
              AND l.classid = @LockClass AND l.objid::bigint = (hashtext(@tenantKey)::bigint & 4294967295)
              AND l.objsubid = 2
            LIMIT 1
            """,
            new { TenantLock.LockClass, tenantKey },
            cancellationToken
        );

    public override string ToString() =>
        $"process {Process} of {User} ({Application}) from {Client ?? "this machine"}, since {Since:yyyy-MM-dd HH:mm:ss} UTC";
}
