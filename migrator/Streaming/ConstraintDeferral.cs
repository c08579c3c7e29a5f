using Migrator.Connections;
using Migrator.Guarding;
using Migrator.Model;
using Migrator.Scope;
using Npgsql;

namespace Migrator.Streaming;

/// <summary>
/// The isolated database while changes are applied to it. The application's triggers are off: what they did is in the
/// stream. Foreign keys wait for the commit: a row that is reassigned to the tenant may arrive before the row that it
/// refers to. Constraints NOT VALID and identities that are always generated are lifted: a change brings the whole row, with
/// values that an update in the shared database left alone.
/// </summary>
/// <remarks>https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ALTER-CONSTRAINT</remarks>
public static class ConstraintDeferral
{
    /// <summary>Suspends what is in force, and records the statements that resume it; safe to repeat.</summary>
    public static Task SuspendAsync(StreamContext context, CancellationToken cancellationToken) =>
        RecordAsync(
            context,
            connection => SuspendAsync(connection, Tables(context), cancellationToken),
            cancellationToken
        );

    /// <summary>Suspends again, in the caller's transaction, what <see cref="ResumeAsync"/> has put in force.</summary>
    /// <param name="but">Tables that are not there.</param>
    public static async Task SuspendAgainAsync(
        StreamContext context,
        NpgsqlConnection connection,
        IReadOnlyCollection<TableName> but,
        CancellationToken cancellationToken
    ) =>
        await RecordAsync(
            connection,
            await SuspendAsync(
                connection,
                [.. Tables(context).Where(table => !but.Contains(table.Name))],
                cancellationToken
            ),
            cancellationToken
        );

    static TableDefinition[] Tables(StreamContext context) =>
        [.. context.Scope.CopiedTables.Select(table => table.Table)];

    static async Task<IReadOnlyList<string?>> SuspendAsync(
        NpgsqlConnection connection,
        TableDefinition[] tables,
        CancellationToken cancellationToken
    )
    {
        TableName[] names = [.. tables.Select(table => table.Name)];
        return
        [
            await TriggerDisabling.DisableAsync(connection, names, cancellationToken),
            await ConstraintLifting.LiftAsync(connection, names, domainsOnly: false, cancellationToken),
            await ConstraintLifting.LiftIdentitiesAsync(connection, tables, cancellationToken),
            .. await DeferKeysAsync(connection, names, cancellationToken),
        ];
    }

    /// <summary>
    /// Takes the foreign keys of some tables away, which keep rows that the stream deletes; safe to repeat. They come back
    /// NOT VALID where they can: to check all rows again takes time, and is for later.
    /// </summary>
    public static Task SuspendKeysAsync(
        StreamContext context,
        IReadOnlyList<TableName> tables,
        CancellationToken cancellationToken
    ) =>
        RecordAsync(
            context,
            async connection => [await ConstraintLifting.LiftKeysAsync(connection, tables, cancellationToken)],
            cancellationToken
        );

    /// <summary>The same before there are triggers and constraints; safe to repeat.</summary>
    public static Task SuspendIdentitiesAsync(StreamContext context, CancellationToken cancellationToken) =>
        RecordAsync(
            context,
            async connection =>
                [await ConstraintLifting.LiftIdentitiesAsync(connection, Tables(context), cancellationToken)],
            cancellationToken
        );

    static async Task RecordAsync(
        StreamContext context,
        Func<NpgsqlConnection, Task<IReadOnlyList<string?>>> suspend,
        CancellationToken cancellationToken
    )
    {
        await using var connection = await context.Databases.Isolated.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await context.Isolated.RequireCurrentRunAsync(connection, cancellationToken);
        await RecordAsync(connection, await suspend(connection), cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    static async Task RecordAsync(
        NpgsqlConnection connection,
        IReadOnlyList<string?> resumptions,
        CancellationToken cancellationToken
    )
    {
        foreach (var statement in resumptions.OfType<string>())
            await connection.ExecuteAsync(
                "INSERT INTO tenant_promotion.suspended VALUES (@statement) ON CONFLICT DO NOTHING",
                new { statement },
                cancellationToken
            );
    }

    /// <summary>Lets the foreign keys from and to some tables wait for the commit.</summary>
    /// <returns>The statements that take this back.</returns>
    public static async Task<IReadOnlyList<string>> DeferKeysAsync(
        NpgsqlConnection connection,
        IEnumerable<TableName> tables,
        CancellationToken cancellationToken
    )
    {
        var resumptions = new List<string>();
        var keys = await connection.QueryAsync<(string Table, string Name, bool Deferrable)>(
            """
            WITH named (relid) AS MATERIALIZED (SELECT CAST(name AS regclass)::oid FROM unnest(@tables) name)
            SELECT con.conrelid::regclass::text, con.conname, con.condeferrable
            FROM pg_constraint con
            WHERE con.contype = 'f' AND con.conparentid = 0 AND NOT con.condeferred
              AND (con.conrelid IN (SELECT relid FROM named) OR con.confrelid IN (SELECT relid FROM named))
            """,
            new { tables = tables.Select(table => table.Quoted).ToArray() },
            cancellationToken
        );
        foreach (var key in keys)
        {
            var alter = $"ALTER TABLE {key.Table} ALTER CONSTRAINT {Sql.Identifier(key.Name)}";
            await connection.ExecuteAsync($"{alter} DEFERRABLE INITIALLY DEFERRED", cancellationToken);
            resumptions.Add($"{alter} {(key.Deferrable ? "DEFERRABLE INITIALLY IMMEDIATE" : "NOT DEFERRABLE")}");
        }
        return resumptions;
    }

    /// <summary>The schema is built from scratch: nothing is suspended.</summary>
    public static Task ForgetAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        connection.ExecuteAsync("DELETE FROM tenant_promotion.suspended", cancellationToken);

    /// <summary>Puts everything in force again, inside the caller's transaction.</summary>
    public static async Task ResumeAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var statements = (
            await connection.QueryAsync<string>(
                "DELETE FROM tenant_promotion.suspended RETURNING statement",
                cancellationToken
            )
        ).ToArray();
        // A constraint is created before it is altered.
        if (statements.Length > 0)
            await connection.ExecuteAsync(
                string.Join(
                    ";\n",
                    statements.OrderBy(one => one.Contains(" ADD CONSTRAINT ", StringComparison.Ordinal) ? 0 : 1)
                ),
                cancellationToken
            );
    }
}
