using Migrator.Connections;
using Migrator.Model;
using Migrator.Scope;
using Npgsql;

namespace Migrator.Guarding;

/// <summary>
/// The triggers of the shared database that refuse writes of tenants who have moved for good: one set a table for all of
/// them. Finalize raises the fence in the place of the tenant's own guard, whose row stays 'moved'. A write of another
/// tenant's row costs a look for a sequence that is not there.
/// </summary>
/// <param name="database">The shared database.</param>
public sealed class Fence(NpgsqlDataSource database, TenantScope scope, TimeProvider clock)
{
    /// <summary>The names of the fence's triggers and functions begin with this, and those of no guard do.</summary>
    public const string Prefix = WriteGuard.TriggerPrefix + "fence";

    static readonly TableName GuardTable = new("tenant_promotion", "guard");

    FencedTable[] Tables => field ??= TablesOf(scope);

    /// <summary>Creates the triggers that are missing; a table that has all of them is not locked.</summary>
    /// <exception cref="MigratorException">Another session keeps a table locked for too long.</exception>
    public Task RaiseAsync(CancellationToken cancellationToken) =>
        InTurnAsync(connection => RaiseAsync(connection, cancellationToken), cancellationToken);

    /// <summary>Raises the fence if a tenant needs it, and lowers it if none does.</summary>
    /// <exception cref="MigratorException">Another session keeps a table locked for too long.</exception>
    public Task MendAsync(CancellationToken cancellationToken) =>
        InTurnAsync(
            async connection =>
                await (
                    await IsNeededAsync(connection, cancellationToken)
                        ? RaiseAsync(connection, cancellationToken)
                        : LowerAsync(connection, cancellationToken)
                ),
            cancellationToken
        );

    async Task RaiseAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        // Their names tell what is in them. A statement that runs now may use those that are there.
        var there = await connection.QueryAsync<string>(
            "SELECT proname::text FROM pg_proc WHERE pronamespace = 'tenant_promotion'::regnamespace",
            cancellationToken
        );
        foreach (var (name, sql) in Tables.SelectMany(table => table.Functions).DistinctBy(function => function.Name))
            if (!there.Contains(name))
                await connection.ExecuteAsync(sql, cancellationToken);
        var missing = (await MissingAsync(connection, Tables, cancellationToken)).Select(one => one.Table).ToHashSet();
        foreach (var table in Tables.Where(table => table.Triggers.Any(one => missing.Contains(one.Table.Quoted))))
            await TableLock.RunAsync(
                connection,
                table.Name,
                token => connection.ExecuteAsync(table.Sql, token),
                clock,
                cancellationToken
            );
        await OwnTriggers.DropFunctionsAsync(connection, Prefix, cancellationToken);
    }

    /// <summary>Removes the triggers if no tenant needs them any more, and what tenants who are home have left for them.</summary>
    /// <exception cref="MigratorException">Another session keeps a table locked for too long.</exception>
    public async Task LowerAsync(CancellationToken cancellationToken)
    {
        await using (var connection = await database.OpenConnectionAsync(cancellationToken))
            if (await StandsAsync(connection, cancellationToken) && await IsNeededAsync(connection, cancellationToken))
                return;
        await InTurnAsync(connection => LowerAsync(connection, cancellationToken), cancellationToken);
    }

    async Task LowerAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        if (!await IsNeededAsync(connection, cancellationToken))
            foreach (var (table, drop) in await OwnTriggers.DropsAsync(connection, Prefix, cancellationToken))
                await TableLock.RunAsync(
                    connection,
                    table,
                    token => connection.ExecuteAsync(drop, token),
                    clock,
                    cancellationToken
                );
        await OwnTriggers.DropFunctionsAsync(connection, Prefix, cancellationToken);
        if (!await StandsAsync(connection, cancellationToken))
            await DropForgottenAsync(connection, cancellationToken);
    }

    /// <summary>The fence's triggers that are not there, or do not fire in every session.</summary>
    public static async Task<IReadOnlyList<string>> MissingAsync(
        NpgsqlConnection connection,
        TenantScope scope,
        CancellationToken cancellationToken
    ) => OwnTriggers.Shown(await MissingAsync(connection, TablesOf(scope), cancellationToken));

    static FencedTable[] TablesOf(TenantScope scope) =>
        [.. scope.TenantTables.Select(new FenceTriggers(scope).Of).OfType<FencedTable>()];

    static Task<IReadOnlyList<(string Table, string Trigger)>> MissingAsync(
        NpgsqlConnection connection,
        IEnumerable<FencedTable> tables,
        CancellationToken cancellationToken
    ) => OwnTriggers.MissingAsync(connection, [.. tables.SelectMany(table => table.Triggers)], cancellationToken);

    /// <summary>Whether a table has a trigger of the fence.</summary>
    public static Task<bool> StandsAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        connection.ExecuteScalarAsync<bool>(
            $"SELECT EXISTS (SELECT FROM pg_trigger t WHERE starts_with(t.tgname, @Prefix) AND {OwnTriggers.IsOurs})",
            new { Prefix },
            cancellationToken
        );

    // Also a tenant whose own guard still stands: finalize would raise the fence again.
    static Task<bool> IsNeededAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        connection.ExecuteScalarAsync<bool>(
            "SELECT EXISTS (SELECT FROM tenant_promotion.guard WHERE state = @Moved)",
            new { GuardState.Moved },
            cancellationToken
        );

    // A statement that looks for a sequence while it goes would fail. Without triggers nobody looks.
    static async Task DropForgottenAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var forgotten = await connection.QueryAsync<string>(
            """
            SELECT c.relname FROM pg_class c
            WHERE c.relnamespace = 'tenant_promotion'::regnamespace AND c.relkind = 'S'
              AND starts_with(c.relname, @TriggerPrefix)
              AND right(c.relname, length(@AttentionSuffix)) = @AttentionSuffix
              AND NOT EXISTS (SELECT FROM tenant_promotion.guard g
                              WHERE c.relname = tenant_promotion.prefix(g.tenant_key) || @AttentionSuffix)
            """,
            new { WriteGuard.TriggerPrefix, GuardNames.AttentionSuffix },
            cancellationToken
        );
        await OwnRemains.DropAsync(
            connection,
            forgotten.Select(sequence => $"DROP SEQUENCE IF EXISTS {GuardNames.Quoted(sequence)}"),
            null,
            cancellationToken
        );
    }

    // Two tenants may come and go at the same time. Only the owner of a table can lock it. No write waits for this lock.
    async Task InTurnAsync(Func<NpgsqlConnection, Task> work, CancellationToken cancellationToken)
    {
        await using var turn = await database.OpenConnectionAsync(cancellationToken);
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await TableLock.RunAsync(
            turn,
            GuardTable,
            async token =>
            {
                await turn.ExecuteAsync(
                    $"""
                    SET LOCAL idle_in_transaction_session_timeout = 0;
                    LOCK TABLE {GuardTable.Quoted} IN SHARE UPDATE EXCLUSIVE MODE
                    """,
                    token
                );
                await work(connection);
                return 0;
            },
            clock,
            cancellationToken
        );
    }
}
