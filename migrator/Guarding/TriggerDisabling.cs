using Migrator.Connections;
using Migrator.Model;
using Npgsql;

namespace Migrator.Guarding;

/// <summary>
/// Keeps the application's triggers out of the migrator's own writes: rows that a rollback restores, that finalize
/// deletes or that the flip updates get no new time stamp and no history row.
/// </summary>
/// <remarks>
/// <c>session_replication_role</c> would need a superuser. Disabling triggers inside the transaction needs only the
/// table's owner, and no other session sees it: the lock keeps other writers of the table waiting until the commit. So
/// transactions stay short.
/// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-DISABLE-ENABLE-TRIGGER
/// </remarks>
public static class TriggerDisabling
{
    /// <summary>
    /// Runs <paramref name="write"/> with the tables' own triggers off; the caller's transaction commits both, or
    /// neither.
    /// </summary>
    public static Task<T> WithoutTriggersAsync<T>(
        NpgsqlConnection connection,
        IReadOnlyList<TableName> tables,
        Func<Task<T>> write,
        CancellationToken cancellationToken
    ) =>
        Suspension.WriteAsync(
            connection,
            () => DisableAsync(connection, tables, cancellationToken),
            write,
            cancellationToken
        );

    /// <summary>The same for writes that delete rows or change them.</summary>
    /// <exception cref="MigratorException">
    /// A stranger's foreign key refers to what is written; see <see cref="StrangersKeys"/>.
    /// </exception>
    public static Task<T> WithoutTriggersAsync<T>(
        NpgsqlConnection connection,
        IReadOnlyList<TableName> tables,
        IEnumerable<WrittenTable> written,
        Func<Task<T>> write,
        CancellationToken cancellationToken
    ) =>
        WithoutTriggersAsync(
            connection,
            tables,
            async () =>
            {
                await StrangersKeys.RequireNoneAsync(connection, written, cancellationToken);
                return await write();
            },
            cancellationToken
        );

    /// <summary>Whether a table has triggers to disable: without them no writer waits for a lock.</summary>
    public static async Task<bool> AreEnabledAsync(
        NpgsqlConnection connection,
        IReadOnlyList<TableName> tables,
        CancellationToken cancellationToken
    ) => (await EnabledAsync(connection, tables, cancellationToken)).Count > 0;

    /// <summary>
    /// Proves that the lock can be had which <see cref="DisableAsync"/> takes, by taking it for a moment; where a
    /// table has no triggers there is no such lock.
    /// </summary>
    /// <exception cref="MigratorException">Another session keeps the table locked; the message names the session.</exception>
    public static Task RequireUnlockedAsync(
        NpgsqlConnection connection,
        TableName table,
        TimeProvider clock,
        CancellationToken cancellationToken
    ) =>
        TableLock.RunAsync(
            connection,
            table,
            async token =>
                await AreEnabledAsync(connection, [table], token)
                    ? await connection.ExecuteAsync($"LOCK TABLE {table.Quoted} IN SHARE ROW EXCLUSIVE MODE", token)
                    : 0,
            clock,
            cancellationToken
        );

    /// <summary>
    /// Disables the tables' own triggers, all in one round trip, because the locks are held from here on.
    /// </summary>
    /// <returns>The statements that enable the triggers again, one per line; null when there are none.</returns>
    public static async Task<string?> DisableAsync(
        NpgsqlConnection connection,
        IReadOnlyList<TableName> tables,
        CancellationToken cancellationToken
    )
    {
        if (tables.Count == 0)
            return null;
        var triggers = await EnabledAsync(connection, tables, cancellationToken);
        await AlterAsync(connection, triggers, cancellationToken);
        // A role that has the right TRIGGER may have made one meanwhile, whose function would run as ours. From here on none
        // comes; writers of the tables do not wait for this lock.
        await connection.ExecuteAsync(
            $"LOCK TABLE {string.Join(", ", tables.Select(table => "ONLY " + table.Quoted))} IN ROW EXCLUSIVE MODE",
            cancellationToken
        );
        var late = await EnabledAsync(connection, tables, cancellationToken);
        await AlterAsync(connection, late, cancellationToken);
        return triggers.Count + late.Count == 0 ? null : Alter([.. triggers, .. late], Enabling);
    }

    static async Task AlterAsync(
        NpgsqlConnection connection,
        IReadOnlyList<EnabledTrigger> triggers,
        CancellationToken cancellationToken
    )
    {
        if (triggers.Count > 0)
            await connection.ExecuteAsync(Alter(triggers, _ => "DISABLE"), cancellationToken);
    }

    static string Alter(IEnumerable<EnabledTrigger> triggers, Func<string, string> verb) =>
        string.Join(
            '\n',
            triggers.Select(one =>
                $"ALTER TABLE ONLY {new TableName(one.Schema, one.Table).Quoted} "
                + $"{verb(one.State)} TRIGGER {Sql.Identifier(one.Trigger)};"
            )
        );

    static string Enabling(string state) =>
        state switch
        {
            "A" => "ENABLE ALWAYS",
            "R" => "ENABLE REPLICA",
            _ => "ENABLE",
        };

    static Task<IReadOnlyList<EnabledTrigger>> EnabledAsync(
        NpgsqlConnection connection,
        IReadOnlyList<TableName> tables,
        CancellationToken cancellationToken
    ) =>
        connection.QueryAsync<EnabledTrigger>(
            $"""
            WITH named (relid, place) AS MATERIALIZED (
                SELECT CAST(name AS regclass)::oid, place FROM unnest(@tables) WITH ORDINALITY named (name, place)
            )
            SELECT n.nspname::text AS "Schema", c.relname::text AS "Table", t.tgname::text AS "Trigger",
                   t.tgenabled::text AS "State"
            FROM (SELECT relid, min(place) AS place
                  FROM (SELECT relid, place FROM named
                        UNION ALL SELECT tree.relid::oid, place FROM named, pg_partition_tree(named.relid) tree) one
                  GROUP BY relid) part
            JOIN pg_trigger t ON t.tgrelid = part.relid AND NOT t.tgisinternal
                AND t.tgenabled <> 'D' AND NOT {OwnTriggers.IsOurs}
            JOIN pg_class c ON c.oid = t.tgrelid
            JOIN pg_namespace n ON n.oid = c.relnamespace
            ORDER BY part.place
            """,
            new { tables = tables.Select(table => table.Quoted).ToArray() },
            cancellationToken
        );

    /// <param name="State">When it fires: pg_trigger's <c>tgenabled</c>.</param>
    sealed record EnabledTrigger(string Schema, string Table, string Trigger, string State);
}
