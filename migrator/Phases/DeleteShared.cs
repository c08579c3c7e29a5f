using Migrator.Connections;
using Migrator.Cutover;
using Migrator.Guarding;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Runs;
using Migrator.Scope;
using Migrator.Terminal;
using Migrator.Verification;
using Npgsql;

namespace Migrator.Phases;

/// <summary>
/// Finalize: deletes the tenant's rows from the shared database in batches, children first. The tenant's own
/// row stays for routing. Deletes only rows that Verify recorded as copied.
/// </summary>
/// <param name="batchSize">Rows per transaction.</param>
/// <param name="force">Delete although the rows are not the recorded ones.</param>
public sealed class DeleteShared(int batchSize, bool force) : Phase
{
    public override string Name => PhaseName.DeleteShared;
    public override string Title => "Delete the shared copy";
    public override string State => PromotionState.Isolated;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        // An interrupted finalize has deleted some rows already. The remaining rows were checked before.
        if (
            (await run.RecordAsync(cancellationToken)).Phase(Name) is not { } record
            || PhaseData.Read<DeletionFacts>(record.Facts) is not { Checked: true }
        )
        {
            await RequireRecordedAsync(run, cancellationToken);
            await run.Journal.NoteAsync(run.Id, Name, new DeletionFacts(true), cancellationToken);
        }

        long total = 0;
        foreach (var component in run.Scope.Components().Reverse())
        {
            var tables = component.Where(table => table.Scope != TableScope.Root).ToArray();
            var inside = run
                .Scope.ForeignKeys.Where(key =>
                    tables.Any(table => table.Name == key.From) && tables.Any(table => table.Name == key.To)
                )
                .ToArray();
            // Rows in a reference cycle block each other's deletes. Set a nullable reference to null first.
            var stuck = new HashSet<TableName>();
            foreach (var key in inside)
                if (
                    key.FromColumns.Where(column => !run.Scope[key.From].Table.Column(column)!.NotNull).ToArray() is
                    { Length: > 0 } nullable
                )
                    await BatchesAsync(
                        run,
                        run.Scope[key.From],
                        $"SET {string.Join(", ", nullable.Select(column => Sql.Identifier(column) + " = NULL"))}",
                        string.Join(" AND ", nullable.Select(column => $"t.{Sql.Identifier(column)} IS NOT NULL")),
                        cancellationToken
                    );
                else
                    stuck.UnionWith([key.From, key.To]);
            foreach (var table in tables.Where(table => !stuck.Contains(table.Name)))
                total += await BatchesAsync(run, table, null, "true", cancellationToken);
            if (stuck.Count > 0)
                total += await TogetherAsync(
                    run,
                    [.. tables.Where(table => stuck.Contains(table.Name))],
                    cancellationToken
                );
        }
        return new($"{total:N0} rows");
    }

    async Task RequireRecordedAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        if (force)
            return;
        await using var connection = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        var recorded = await PromotionJournal.DigestsAsync(connection, run.Id, cancellationToken);
        var comparison = new Comparison(run.Databases, run.Scope, run.Tenant);
        var changed = new List<string>();
        foreach (var table in run.Scope.TenantTables.Where(table => table.Scope != TableScope.Root))
            if (
                await comparison.SharedDigestAsync(table, cancellationToken) is var now
                && (!recorded.TryGetValue(table.Name.ToString(), out var then) || now != then)
            )
                changed.Add($"{table.Name} ({then.Rows:N0} rows recorded, {now.Rows:N0} now)");
        if (changed.Count > 0)
            throw RollbackMessages.NotTheRecordedRows(run.Tenant.Slug, changed);
    }

    // Deletes rows, or updates them if there is a SET list, in batches until no row is left.
    async Task<long> BatchesAsync(
        PromotionRun run,
        ScopedTable table,
        string? set,
        string filter,
        CancellationToken cancellationToken
    )
    {
        long total = 0;
        await using var connection = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        foreach (var leaf in table.Table.Leaves)
        {
            var name = "ONLY " + leaf.Name.Quoted;
            var batch =
                $"ctid = ANY (ARRAY(SELECT t.ctid FROM {name} t "
                + $"WHERE {run.Scope.Condition(table, "t", run.Tenant.Key)} AND {filter} LIMIT {batchSize}))";
            var statement = set is null ? $"DELETE FROM {name} WHERE {batch}" : $"UPDATE {name} {set} WHERE {batch}";
            int rows;
            do
            {
                rows = await WriteAsync(
                    run,
                    connection,
                    [leaf.Name],
                    () => connection.ExecuteAsync(statement, cancellationToken),
                    cancellationToken
                );
                total += rows;
            } while (rows > 0);
        }
        return total;
    }

    static async Task<long> TogetherAsync(
        PromotionRun run,
        IReadOnlyList<ScopedTable> tables,
        CancellationToken cancellationToken
    )
    {
        await using var connection = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        return await WriteAsync(
            run,
            connection,
            [.. tables.Select(table => table.Name)],
            async () =>
            {
                await connection.ExecuteAsync("SET CONSTRAINTS ALL DEFERRED", cancellationToken);
                var rows = 0;
                foreach (var table in tables)
                    rows += await connection.ExecuteAsync(
                        $"DELETE FROM {table.Table.From} t WHERE {run.Scope.Condition(table, "t", run.Tenant.Key)}",
                        cancellationToken
                    );
                return rows;
            },
            cancellationToken
        );
    }

    static Task<int> WriteAsync(
        PromotionRun run,
        NpgsqlConnection connection,
        IReadOnlyList<TableName> tables,
        Func<Task<int>> work,
        CancellationToken cancellationToken
    ) =>
        TableLock.RunAsync(
            connection,
            tables[0],
            async token =>
            {
                await run.RequireCurrentRunAsync(connection, token);
                await run.Guard.PassAsync(connection, token);
                return await TriggerDisabling.WithoutTriggersAsync(connection, tables, work, token);
            },
            run.Clock,
            cancellationToken
        );
}
