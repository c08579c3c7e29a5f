using Migrator.Connections;
using Migrator.Scope;
using Npgsql;

namespace Migrator.Guarding;

/// <summary>
/// Transactions that may have written below a row of another tenant before that row became this tenant's: the guard has
/// let them pass without the gate. Where rows have changed their tenant, whoever closes the guard waits for all
/// transactions that write such tables. No others are kept waiting.
/// </summary>
/// <remarks>
/// A row becomes the tenant's in a transaction that holds the gate. So behind the closed gate it is the tenant's, and
/// whoever begins to write below it then asks for the gate. Such a transaction has the lock of the table that it writes, as
/// those have that are looked for: but it waits for the gate, and has no number, because it has written nothing yet. One
/// that waits for the gate and has a number cannot end before the guard opens; nor can one that waits for somebody who
/// waits for the gate. PostgreSQL sees no deadlock in that, because it does not know that we wait as well.
/// </remarks>
sealed class UnseenWriters(TenantScope scope, GuardNames names)
{
    static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(10);

    // Each as a lock on the table or on one of its partitions tells: pg_stat_activity does not show others' to every role.
    // https://www.postgresql.org/docs/current/view-pg-locks.html
    const string Writers = """
        WITH RECURSIVE waiting AS (
            SELECT virtualtransaction FROM pg_locks
            WHERE NOT granted AND relation = to_regclass(@Gate)
              AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        ), numbered AS (
            SELECT virtualtransaction FROM pg_locks WHERE locktype = 'transactionid' AND granted
        ), writer AS (
            SELECT l.virtualtransaction, l.pid,
                   min(CASE WHEN l.pid IS NULL THEN 'a prepared transaction'
                            ELSE format('process %s (%s)', l.pid, a.usename) END
                       || format(', which writes %s', l.relation::regclass)) AS line
            FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid)
            WHERE l.mode = 'RowExclusiveLock' AND l.granted AND l.pid IS DISTINCT FROM pg_backend_pid()
              AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
              AND l.relation IN (SELECT to_regclass(name) FROM unnest(@tables) name)
              AND (@always OR pg_sequence_last_value(to_regclass(@Travelled)) IS NOT NULL)
              AND (l.virtualtransaction NOT IN (SELECT virtualtransaction FROM waiting)
                   OR l.virtualtransaction IN (SELECT virtualtransaction FROM numbered))
            GROUP BY l.virtualtransaction, l.pid
        ), awaited AS (
            SELECT w.pid AS writer, blocking.pid
            FROM writer w, unnest(pg_blocking_pids(w.pid)) AS blocking (pid)
            UNION
            SELECT a.writer, blocking.pid
            FROM awaited a, unnest(pg_blocking_pids(a.pid)) AS blocking (pid)
        )
        SELECT w.virtualtransaction, w.line,
               EXISTS (SELECT FROM awaited a WHERE a.writer = w.pid AND a.pid = pg_backend_pid())
        FROM writer w
        """;

    readonly string[] below = PartsOf(scope, table => table.IsByReference);
    readonly string[] reading = PartsOf(scope, table => table.Reads.Any());

    /// <summary>Those of now, one line each.</summary>
    public async Task<IReadOnlyList<string>> LinesAsync(
        NpgsqlConnection connection,
        CancellationToken cancellationToken
    ) =>
        [
            .. (await ReadAsync(connection, below, false, cancellationToken))
                .Concat(await ReadAsync(connection, reading, true, cancellationToken))
                .Select(one => one.Value.Line)
                .Distinct(),
        ];

    /// <summary>Waits until those of now have ended; to be called behind the closed gate.</summary>
    /// <exception cref="WriterWaitsException">One waits for the gate, itself or behind others.</exception>
    /// <exception cref="PostgresException">
    /// <see cref="PostgresErrorCodes.LockNotAvailable"/>: one took longer than the timeout.
    /// </exception>
    public async Task WaitAsync(
        NpgsqlConnection connection,
        TimeProvider clock,
        TimeSpan timeout,
        CancellationToken cancellationToken
    )
    {
        await WaitAsync(below, always: false);
        // A row that comes at any time may make others the tenant's. Last: those that have ended now may have brought some.
        if (reading.Length > 0)
            await WaitAsync(reading, always: true);

        Task WaitAsync(string[] tables, bool always) =>
            EndAsync(() => ReadAsync(connection, tables, always, cancellationToken), clock, timeout, cancellationToken);
    }

    static async Task EndAsync(
        Func<Task<Dictionary<string, (string Line, bool WaitsForUs)>>> read,
        TimeProvider clock,
        TimeSpan timeout,
        CancellationToken cancellationToken
    )
    {
        var began = clock.GetTimestamp();
        var now = await read();
        var left = now.Keys.ToHashSet();
        while (left.Count > 0)
        {
            if (left.FirstOrDefault(one => now[one].WaitsForUs) is { } waiting)
                throw new WriterWaitsException(now[waiting].Line);
            if (clock.GetElapsedTime(began) > timeout)
                throw new PostgresException(
                    "a transaction still writes rows that became the tenant's",
                    "ERROR",
                    "ERROR",
                    PostgresErrorCodes.LockNotAvailable
                );
            await Task.Delay(Interval, clock, cancellationToken);
            now = await read();
            left.IntersectWith(now.Keys);
        }
    }

    static string[] PartsOf(TenantScope scope, Func<ScopedTable, bool> which) =>
        [.. scope.TenantTables.Where(which).SelectMany(TriggerSql.PartsOf).Select(part => part.Quoted)];

    async Task<Dictionary<string, (string Line, bool WaitsForUs)>> ReadAsync(
        NpgsqlConnection connection,
        string[] tables,
        bool always,
        CancellationToken cancellationToken
    ) =>
        (
            await connection.QueryAsync<(string Transaction, string Line, bool WaitsForUs)>(
                Writers,
                new
                {
                    tables,
                    always,
                    Travelled = GuardNames.Quoted(names.Travelled),
                    Gate = GuardNames.Quoted(names.Gate),
                },
                cancellationToken
            )
        ).ToDictionary(one => one.Transaction, one => (one.Line, one.WaitsForUs));
}

/// <summary>A transaction that the close waits for cannot end before the guard opens.</summary>
sealed class WriterWaitsException(string line) : Exception($"{line}, waits for the guard while the guard waits for it");
