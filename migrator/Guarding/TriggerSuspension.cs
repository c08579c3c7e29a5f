using System.Text;
using Dapper;
using Migrator.Model;
using Npgsql;

namespace Migrator.Guarding;

/// <summary>
/// Keeps the application's triggers out of a write that is not the application's: rows brought home, deleted for good, or flipped are
/// to arrive as they are, without a new stamp or history row.
/// </summary>
/// <remarks>
/// <c>session_replication_role</c> would need a superuser. Switching triggers off inside the transaction needs only the table's owner, and
/// nobody sees it: the lock that it takes keeps other writers of the table waiting until the commit. So transactions stay short.
/// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-DISABLE-ENABLE-TRIGGER
/// </remarks>
public static class TriggerSuspension
{
    /// <summary>Runs <paramref name="write"/> with the table's own triggers off; the caller's transaction commits both, or neither.</summary>
    public static async Task<T> WithoutTriggersAsync<T>(NpgsqlConnection connection, TableName table, Func<Task<T>> write, CancellationToken cancel)
    {
        if (await SuspendAsync(connection, table, cancel) is not { } resumption) return await write();
        var result = await write();
        // Deferred triggers that the write queued must run now: an ALTER TABLE refuses a table with pending events.
        await connection.ExecuteAsync(new CommandDefinition("SET CONSTRAINTS ALL IMMEDIATE", cancellationToken: cancel));
        await connection.ExecuteAsync(new CommandDefinition(resumption, cancellationToken: cancel));
        return result;
    }

    /// <summary>Switches the table's own triggers off.</summary>
    /// <returns>The statements that switch them on again, one a line; null when there is nothing to switch.</returns>
    public static async Task<string?> SuspendAsync(NpgsqlConnection connection, TableName table, CancellationToken cancel)
    {
        var triggers = (await connection.QueryAsync<(string Schema, string Table, string Trigger, string State)>(new CommandDefinition("""
            SELECT n.nspname, c.relname, t.tgname, t.tgenabled::text
            FROM (SELECT CAST(@table AS regclass)::oid AS relid
                  UNION SELECT relid::oid FROM pg_partition_tree(CAST(@table AS regclass))) tree
            JOIN pg_trigger t ON t.tgrelid = tree.relid AND NOT t.tgisinternal AND t.tgenabled <> 'D' AND NOT starts_with(t.tgname, @guard)
            JOIN pg_class c ON c.oid = t.tgrelid
            JOIN pg_namespace n ON n.oid = c.relnamespace
            """, new { table = table.Quoted, guard = WriteGuard.TriggerPrefix }, cancellationToken: cancel))).ToArray();
        if (triggers.Length == 0) return null;

        string Alter(Func<(string Schema, string Table, string Trigger, string State), string> verb) => triggers.Aggregate(
            new StringBuilder(),
            (sql, row) => sql.Append($"ALTER TABLE ONLY {new TableName(row.Schema, row.Table).Quoted} {verb(row)} TRIGGER {Sql.Identifier(row.Trigger)};\n"),
            sql => sql.ToString());

        await connection.ExecuteAsync(new CommandDefinition(Alter(_ => "DISABLE"), cancellationToken: cancel));
        return Alter(row => row.State switch { "A" => "ENABLE ALWAYS", "R" => "ENABLE REPLICA", _ => "ENABLE" });
    }
}
