using Migrator.Connections;
using Migrator.Messages;
using Npgsql;

namespace Migrator.Journal;

/// <summary>The session that holds a tenant's lock: a run that is at work, or whoever else took the lock.</summary>
/// <param name="Process">The server process of the session.</param>
/// <param name="Application">Its application_name; a run's begins with <c>tp/</c>.</param>
/// <param name="Client">The address that the session comes from; null for a socket of the same machine.</param>
/// <param name="Since">When the session began.</param>
public sealed record ActiveRun(int Process, string User, string Application, string? Client, DateTime Since)
{
    /// <summary>
    /// How many advisory locks are a tenant's: the first key is one of so many, from <see cref="TenantLock.LockClass"/> on.
    /// Nobody can hold them all, for a server has no place for so many locks.
    /// </summary>
    public const int Locks = 1 << 20;

    /// <summary>
    /// The condition that a session, seen as <c>a</c> in pg_stat_activity, may be a run's: any login can take an advisory
    /// lock.
    /// </summary>
    public const string IsOurs = """
        a.usesysid IN (SELECT r.oid FROM pg_roles r WHERE r.rolsuper OR r.rolname = current_user
                       UNION ALL SELECT n.nspowner FROM pg_namespace n WHERE n.nspname = 'tenant_promotion')
        """;

    /// <summary>The condition that a lock, seen as <c>l</c> in pg_locks, is one of a tenant's, and is held.</summary>
    /// <param name="key">An expression for the tenant's key.</param>
    public static string IsLockOf(string key) =>
        $"""
            l.locktype = 'advisory' AND l.granted AND l.mode = 'ExclusiveLock' AND l.objsubid = 2
            AND l.classid::bigint BETWEEN {TenantLock.LockClass} AND {TenantLock.LockClass + Locks - 1}
            AND l.objid::bigint = (hashtext({key})::bigint & 4294967295)
            AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
            """;

    /// <summary>Null when no other session is at work on the tenant. Needs no lock.</summary>
    /// <param name="strangers">Also sessions that hold the lock and are no run's.</param>
    public static Task<ActiveRun?> FindAsync(
        NpgsqlConnection shared,
        string tenantKey,
        CancellationToken cancellationToken,
        bool strangers = false
    ) =>
        shared.QueryFirstOrDefaultAsync<ActiveRun>(
            $"""
            SELECT a.pid AS "Process", a.usename::text AS "User", a.application_name AS "Application",
                   host(a.client_addr) AS "Client", a.backend_start AS "Since"
            FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
            WHERE {IsLockOf("@tenantKey")} AND a.pid <> pg_backend_pid() AND (@strangers OR {IsOurs})
            ORDER BY {IsOurs} DESC LIMIT 1
            """,
            new { tenantKey, strangers },
            cancellationToken
        );

    public override string ToString() =>
        $"process {Process} of {User} ({Wording.Foreign(Application)}) from {Client ?? "this machine"}, "
        + $"since {Since:yyyy-MM-dd HH:mm:ss} UTC";
}
