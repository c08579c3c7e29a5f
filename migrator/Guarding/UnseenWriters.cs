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
/// whoever begins to write below it then asks for the gate.
/// </remarks>
sealed class UnseenWriters(TenantScope scope, GuardNames names)
{
    static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(10);

    // Each as a lock on the table or on one of its partitions tells: pg_stat_activity does not show others' to every role.
    // https://www.postgresql.org/docs/current/view-pg-locks.html
    const string Writers = """
        SELECT l.virtualtransaction, min(coalesce(format('process %s', l.pid), 'a prepared transaction')
            || format(', which writes %s', l.relation::regclass))
        FROM pg_locks l
        WHERE l.mode = 'RowExclusiveLock' AND l.granted AND l.pid IS DISTINCT FROM pg_backend_pid()
          AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND l.relation IN (SELECT to_regclass(name) FROM unnest(@tables) name)
          AND pg_sequence_last_value(to_regclass(@Travelled)) IS NOT NULL
        GROUP BY 1
        """;

    readonly string[] tables =
    [
        .. from table in scope.TenantTables
        where table.Scope == TableScope.Derived
        from part in table.Table.Leaves.Select(leaf => leaf.Name).Append(table.Name).Distinct()
        select part.Quoted,
    ];

    /// <summary>Those of now, one line each.</summary>
    public async Task<IReadOnlyList<string>> LinesAsync(
        NpgsqlConnection connection,
        CancellationToken cancellationToken
    ) => [.. (await ReadAsync(connection, cancellationToken)).Values];

    /// <summary>Waits until those of now have ended; to be called behind the closed gate.</summary>
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
        var began = clock.GetTimestamp();
        var left = (await ReadAsync(connection, cancellationToken)).Keys.ToHashSet();
        while (left.Count > 0)
        {
            if (clock.GetElapsedTime(began) > timeout)
                throw new PostgresException(
                    "a transaction still writes rows that became the tenant's",
                    "ERROR",
                    "ERROR",
                    PostgresErrorCodes.LockNotAvailable
                );
            await Task.Delay(Interval, clock, cancellationToken);
            left.IntersectWith((await ReadAsync(connection, cancellationToken)).Keys);
        }
    }

    async Task<Dictionary<string, string>> ReadAsync(
        NpgsqlConnection connection,
        CancellationToken cancellationToken
    ) =>
        (
            await connection.QueryAsync<(string Transaction, string Line)>(
                Writers,
                new { tables, Travelled = GuardNames.Quoted(names.Travelled) },
                cancellationToken
            )
        ).ToDictionary(one => one.Transaction, one => one.Line);
}
