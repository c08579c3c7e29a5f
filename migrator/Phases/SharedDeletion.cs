using Migrator.Connections;
using Migrator.Guarding;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Runs;
using Migrator.Scope;
using Npgsql;

namespace Migrator.Phases;

/// <summary>
/// Deletes the tenant's rows from the shared database in batches, referring rows before the rows that they refer to.
/// Nothing else is written: no reference is set to NULL first, so no constraint of the application judges a row that the
/// application would never write.
/// </summary>
/// <param name="batchSize">Rows per transaction.</param>
/// <param name="facts">What an interrupted finalize has deleted already, and how much there is to delete.</param>
sealed class SharedDeletion(PromotionRun run, int batchSize, DeletionFacts facts)
{
    const string Everything = "true";

    readonly Dictionary<TableName, long> deletedOf = [];
    long deleted = facts.Deleted;

    readonly InwardReferences inward = new(run.Scope, run.Tenant);

    /// <summary>Deletes the rows of tables that refer to each other, or of one table.</summary>
    public async Task DeleteAsync(IReadOnlyList<ScopedTable> tables, CancellationToken cancellationToken)
    {
        var inside = run
            .Scope.References.Where(key =>
                tables.Any(table => table.Name == key.From) && tables.Any(table => table.Name == key.To)
            )
            .ToArray();
        if (inside.Length == 0)
        {
            await DeleteAsync(tables[0], Everything, cancellationToken);
            return;
        }
        // Leaf by leaf, as long as some row is not referred to.
        long rows;
        do
        {
            rows = 0;
            foreach (var table in tables)
                rows += await DeleteAsync(table, IsLeaf(table, inside), cancellationToken);
        } while (rows > 0);
        // What is left refers to each other in circles. One statement may delete a circle: its keys are checked at the end.
        await DeleteCirclesAsync(tables, cancellationToken);
    }

    static string IsLeaf(ScopedTable table, IEnumerable<ForeignKey> inside)
    {
        var referring = inside
            .Where(key => key.To == table.Name)
            .Select(key =>
                $"NOT EXISTS (SELECT FROM {key.From.Quoted} c WHERE {key.Join("c", "t")} "
                + "AND NOT (c.tableoid = t.tableoid AND c.ctid = t.ctid))"
            )
            .ToArray();
        return referring.Length == 0 ? Everything : string.Join(" AND ", referring);
    }

    async Task<long> DeleteAsync(ScopedTable table, string filter, CancellationToken cancellationToken)
    {
        long total = 0;
        await using var connection = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        foreach (var leaf in table.Table.Leaves)
        {
            var locks = new LockedBatches(run.Clock);
            long rows;
            do
            {
                rows = 0;
                var found = await FindAsync(
                    connection,
                    table,
                    leaf.Name,
                    filter,
                    $"LIMIT {batchSize}",
                    cancellationToken
                );
                var excludesWriters = await TriggerDisabling.AreEnabledAsync(
                    connection,
                    [leaf.Name],
                    cancellationToken
                );
                for (var at = 0; at < found.Count; )
                {
                    var batch = Among("t", found.Skip(at).Take(locks.Rows));
                    at += locks.Rows;
                    rows += await DeleteBatchAsync(
                        connection,
                        table,
                        leaf.Name,
                        filter,
                        batch,
                        () => locks.Locked(excludesWriters),
                        cancellationToken
                    );
                    locks.Released(batchSize);
                    await locks.RestAsync(cancellationToken);
                }
                total += rows;
                var ofTable = deletedOf[table.Name] = deletedOf.GetValueOrDefault(table.Name) + rows;
                run.Progress.Reached($"{table.Name}", ProgressUnit.Rows, ofTable, null);
            } while (rows > 0);
        }
        return total;
    }

    // Found without any lock; each batch looks at its rows once more.
    Task<IReadOnlyList<string>> FindAsync(
        NpgsqlConnection connection,
        ScopedTable table,
        TableName leaf,
        string filter,
        string rest,
        CancellationToken cancellationToken
    ) =>
        connection.QueryAsync<string>(
            $"""
            SELECT t.ctid::text FROM ONLY {leaf.Quoted} t
            WHERE {run.Scope.Condition(table, "t", run.Tenant.Id)} AND {filter} {rest}
            """,
            cancellationToken
        );

    static string Among(string alias, IEnumerable<string> rows) =>
        $"{alias}.ctid = ANY (CAST({Sql.Literal("{\"" + string.Join("\",\"", rows) + "\"}")} AS tid[]))";

    Task<int> DeleteBatchAsync(
        NpgsqlConnection connection,
        ScopedTable table,
        TableName leaf,
        string filter,
        string batch,
        Action locked,
        CancellationToken cancellationToken
    )
    {
        var from = "ONLY " + leaf.Quoted;
        IReadOnlyList<string> rows = [];
        return WriteAsync(
            connection,
            [leaf],
            async token =>
            {
                // Locked first: from here on nobody can commit a new reference to these rows, and what is committed is seen.
                rows = await FindAsync(connection, table, leaf, filter, $"AND {batch} FOR UPDATE", token);
                if (rows.Count > 0)
                    await RequireNoStrangersAsync(connection, table, from, Among("p", rows), token);
            },
            async token =>
            {
                locked();
                return rows.Count > 0
                    ? await connection.ExecuteAsync($"DELETE FROM {from} t WHERE {Among("t", rows)}", token)
                    : 0;
            },
            cancellationToken
        );
    }

    async Task DeleteCirclesAsync(IReadOnlyList<ScopedTable> tables, CancellationToken cancellationToken)
    {
        string Ours(ScopedTable table, string alias) => run.Scope.Condition(table, alias, run.Tenant.Id);
        var deletes = tables.Select(
            (table, n) => $"d{n} AS (DELETE FROM {table.Table.From} t WHERE {Ours(table, "t")} RETURNING 1)"
        );
        var counts = tables.Select((_, n) => $"(SELECT count(*) FROM d{n})");
        await using var connection = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        await WriteAsync(
            connection,
            [
                .. tables
                    .SelectMany(table => table.Table.Leaves.Select(leaf => leaf.Name).Prepend(table.Name))
                    .Distinct(),
            ],
            async token =>
            {
                foreach (var table in tables)
                {
                    await connection.ExecuteAsync(
                        $"SELECT FROM {table.Table.From} t WHERE {Ours(table, "t")} FOR UPDATE",
                        token
                    );
                    await RequireNoStrangersAsync(connection, table, table.Table.From, Ours(table, "p"), token);
                }
            },
            async token =>
                (int)
                    await connection.ExecuteScalarAsync<long>(
                        $"WITH {string.Join(",\n", deletes)}\nSELECT {string.Join(" + ", counts)}",
                        token
                    ),
            cancellationToken
        );
    }

    // Another's row that refers to one of these would be taken or changed by a cascade, or make the delete fail.
    async Task RequireNoStrangersAsync(
        NpgsqlConnection connection,
        ScopedTable table,
        string from,
        string condition,
        CancellationToken cancellationToken
    )
    {
        foreach (var key in inward.KeysInto(table))
        {
            var referring = run.Scope[key.From];
            var label = InwardReferences.Label(referring, "t");
            var samples = await connection.QueryAsync<string>(
                $"SELECT {label} FROM {referring.Table.From} t WHERE {inward.Condition(key, from, condition)} LIMIT 5",
                cancellationToken
            );
            if (samples.Count > 0)
                throw RollbackMessages.ReferredByOthers(run.Tenant.Slug, key.From, key.Name, table.Name, samples);
        }
    }

    // The rows are locked before the table is: their lock stops nobody, and for the table's all its writers wait.
    async Task<int> WriteAsync(
        NpgsqlConnection connection,
        IReadOnlyList<TableName> tables,
        Func<CancellationToken, Task> lockRows,
        Func<CancellationToken, Task<int>> delete,
        CancellationToken cancellationToken
    )
    {
        await run.Governor.WaitAsync(cancellationToken);
        var written = await TableLock.RunAsync(
            connection,
            tables[0],
            async token =>
            {
                await run.RequireCurrentRunAsync(connection, token);
                await run.Guard.PassAsync(connection, token);
                await lockRows(token);
                var rows = await TriggerDisabling.WithoutTriggersAsync(
                    connection,
                    tables,
                    tables.Select(table => new WrittenTable(table)),
                    () => delete(token),
                    token
                );
                await PhaseJournal.CountDeletedAsync(connection, run.Id, rows, token);
                return rows;
            },
            run.Clock,
            cancellationToken
        );
        run.Progress.Reached("", ProgressUnit.Rows, deleted += written, facts.Expected);
        return written;
    }
}
