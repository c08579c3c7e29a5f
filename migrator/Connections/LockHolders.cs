using Migrator.Model;
using Npgsql;

namespace Migrator.Connections;

/// <summary>
/// Whom the migrator waits for, one line each: sessions, and prepared transactions, which hold locks and snapshots
/// without any session.
/// </summary>
/// <remarks>
/// https://www.postgresql.org/docs/current/view-pg-locks.html,
/// https://www.postgresql.org/docs/current/view-pg-prepared-xacts.html
/// </remarks>
public static class LockHolders
{
    // Statements are left out, because they quote values of rows. The locks of a prepared transaction have no process; its
    // lock of the transaction's own number tells which they are. Its name is anybody's text, and commands are read from what a
    // message quotes. Of others' sessions a role without pg_read_all_stats sees no more than whose they are: such a session
    // counts as open where a lock or a number of its transaction tells.
    const string Open = """
        open AS (
            SELECT a.pid, NULL::text AS prepared, a.xact_start AS since, a.backend_xid IS NOT NULL AS writes, a.datname,
                   format('process %s (%s in %s', a.pid, a.usename, a.datname)
                   || CASE WHEN a.xact_start IS NULL THEN ')'
                           ELSE format(', %s) for %s s', a.state,
                                       round(extract(epoch FROM clock_timestamp() - a.xact_start))) END AS line
            FROM pg_stat_activity a
            WHERE a.pid <> pg_backend_pid() AND (a.xact_start IS NOT NULL OR (a.state IS NULL AND a.usename IS NOT NULL))
            UNION ALL
            SELECT NULL, (SELECT l.virtualtransaction FROM pg_locks l
                          WHERE l.locktype = 'transactionid' AND l.transactionid = p.transaction AND l.pid IS NULL),
                   p.prepared, true, p.database,
                   format('prepared transaction %L (%s in %s) for %s s, which COMMIT PREPARED or ROLLBACK PREPARED ends',
                          replace(p.gid, 'migrator ', 'migrator_'), p.owner, p.database,
                          round(extract(epoch FROM clock_timestamp() - p.prepared)))
            FROM pg_prepared_xacts p)
        """;

    // A lock, called l, of a table or of one of its partitions.
    const string OnTable = """
        l.locktype = 'relation' AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND (l.relation = to_regclass(@table) OR l.relation IN (SELECT relid FROM pg_partition_tree(to_regclass(@table))))
        """;

    /// <summary>All writing transactions of the server: a new replication slot waits for them.</summary>
    public static Task<IReadOnlyList<string>> WritersAsync(
        NpgsqlConnection connection,
        CancellationToken cancellationToken
    ) =>
        connection.QueryAsync<string>(
            $"WITH {Open} SELECT line FROM open o WHERE writes ORDER BY since LIMIT 5",
            cancellationToken
        );

    /// <summary>Transactions of this database, and prepared ones of any, that are older than is usual.</summary>
    public static Task<IReadOnlyList<string>> OldAsync(
        NpgsqlConnection connection,
        CancellationToken cancellationToken
    ) =>
        connection.QueryAsync<string>(
            $"""
            WITH {Open} SELECT line FROM open o
            WHERE pid IS NULL OR (datname = current_database() AND since < now() - interval '1 minute')
            ORDER BY since
            """,
            cancellationToken
        );

    /// <summary>
    /// Whose locks a program's sessions in this database wait for. The lock of a prepared transaction has no process, so all
    /// prepared transactions of the database are named where one of them is waited for.
    /// </summary>
    /// <remarks>https://www.postgresql.org/docs/current/functions-info.html, pg_blocking_pids</remarks>
    public static Task<IReadOnlyList<string>> BlockingAsync(
        NpgsqlConnection connection,
        string applicationName,
        CancellationToken cancellationToken
    ) =>
        connection.QueryAsync<string>(
            $"""
            WITH blocking AS (
                SELECT DISTINCT unnest(pg_blocking_pids(a.pid)) AS pid FROM pg_stat_activity a
                WHERE a.application_name = @applicationName AND a.datname = current_database()
                  AND a.wait_event_type = 'Lock'), {Open}
            SELECT o.line FROM open o JOIN blocking b ON b.pid = coalesce(o.pid, 0)
            WHERE (o.pid IS NULL AND o.datname = current_database())
               OR o.pid IN (SELECT pid FROM pg_stat_activity WHERE application_name <> @applicationName)
            ORDER BY o.since
            """,
            new { applicationName },
            cancellationToken
        );

    /// <summary>
    /// Holders of a lock on the table, or on one of its partitions, that keeps others from changing it; readers if there
    /// are no such holders.
    /// </summary>
    public static Task<IReadOnlyList<string>> OfTableAsync(
        NpgsqlConnection connection,
        TableName table,
        CancellationToken cancellationToken
    ) =>
        connection.QueryAsync<string>(
            $"""
            WITH {Open}, holding AS (
                SELECT o.line, o.since, bool_or(l.mode <> 'AccessShareLock') AS changes
                FROM open o
                JOIN pg_locks l ON l.granted AND (l.pid = o.pid OR (l.pid IS NULL AND l.virtualtransaction = o.prepared))
                WHERE {OnTable}
                GROUP BY o.line, o.since)
            SELECT line FROM holding WHERE changes OR NOT EXISTS (SELECT FROM holding WHERE changes)
            ORDER BY since LIMIT 5
            """,
            new { table = table.Quoted },
            cancellationToken
        );

    /// <summary>Other programs' transactions that hold a lock of any object of users in this database.</summary>
    public static Task<IReadOnlyList<string>> OfDatabaseAsync(
        NpgsqlConnection connection,
        CancellationToken cancellationToken
    ) =>
        connection.QueryAsync<string>(
            $"""
            WITH {Open} SELECT DISTINCT o.line, o.since
            FROM open o
            JOIN pg_locks l ON l.granted AND (l.pid = o.pid OR (l.pid IS NULL AND l.virtualtransaction = o.prepared))
            WHERE o.datname = current_database() AND l.locktype IN ('relation', 'object') AND l.database <> 0
              AND coalesce(l.relation, l.objid) >= 16384
            ORDER BY o.since LIMIT 5
            """,
            cancellationToken
        );

    /// <summary>
    /// Whether an autovacuum keeps the table from being changed, be it with others. An autovacuum has no user, and of the
    /// locks that matter holds SHARE UPDATE EXCLUSIVE only.
    /// </summary>
    public static Task<bool> HasAutovacuumAsync(
        NpgsqlConnection connection,
        TableName table,
        CancellationToken cancellationToken
    ) =>
        connection.ExecuteScalarAsync<bool>(
            $"""
            SELECT EXISTS (
                SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid)
                WHERE l.granted AND l.mode = 'ShareUpdateExclusiveLock' AND a.usesysid IS NULL AND {OnTable})
            """,
            new { table = table.Quoted },
            cancellationToken
        );

    /// <summary>How many other programs' sessions wait for a lock of the table.</summary>
    public static async Task<int> WaitingAsync(
        NpgsqlConnection connection,
        TableName table,
        CancellationToken cancellationToken
    ) =>
        (int)
            await connection.ExecuteScalarAsync<long>(
                $"""
                SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
                WHERE NOT l.granted AND a.application_name IS DISTINCT FROM current_setting('application_name') AND {OnTable}
                """,
                new { table = table.Quoted },
                cancellationToken
            );

    /// <summary>
    /// Prepared transactions that have kept tables from being changed for longer than whoever coordinates them needs, with
    /// the names of these tables.
    /// </summary>
    public static Task<IReadOnlyList<(string Transaction, string Tables)>> PreparedOnAsync(
        NpgsqlConnection connection,
        IEnumerable<uint> tables,
        CancellationToken cancellationToken
    ) =>
        connection.QueryAsync<(string Transaction, string Tables)>(
            $"""
            WITH {Open} SELECT o.line, string_agg(DISTINCT l.relation::regclass::text, ', ')
            FROM open o JOIN pg_locks l ON l.pid IS NULL AND l.virtualtransaction = o.prepared
            WHERE o.datname = current_database() AND o.since < clock_timestamp() - interval '5 seconds'
              AND l.locktype = 'relation' AND l.mode NOT IN ('AccessShareLock', 'RowShareLock')
              AND l.relation = ANY (CAST(@tables AS oid[]))
            GROUP BY o.line, o.since ORDER BY o.since
            """,
            new { tables = tables.Select(table => (long)table).ToArray() },
            cancellationToken
        );

    /// <summary>Prepared transactions of one database, which keep it from being dropped.</summary>
    public static Task<IReadOnlyList<string>> PreparedAsync(
        NpgsqlConnection connection,
        string database,
        CancellationToken cancellationToken
    ) =>
        connection.QueryAsync<string>(
            $"WITH {Open} SELECT line FROM open o WHERE pid IS NULL AND datname = @database ORDER BY since",
            new { database },
            cancellationToken
        );
}
