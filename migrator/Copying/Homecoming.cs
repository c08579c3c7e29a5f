using Dapper;
using Migrator.Connections;
using Migrator.Console;
using Migrator.Guarding;
using Migrator.Model;
using Migrator.Scope;
using Migrator.Verification;
using Npgsql;

namespace Migrator.Copying;

/// <summary>
/// Makes the tenant's rows in the shared database exactly those of the isolated one, by key: what is missing is inserted, what differs
/// updated, what is too much deleted. Both guards are closed meanwhile. Repeating it is harmless; equality of digests ends it.
/// </summary>
/// <param name="hold">Called in each transaction: makes sure that the run is still the newest.</param>
public sealed class Homecoming(
    Databases databases, TenantScope scope, Tenant tenant, WriteGuard guard, Func<NpgsqlConnection, CancellationToken, Task> hold, int jobs)
{
    // Short transactions: while the application's triggers are off, other tenants' writers of the table wait.
    const int RowsPerTransaction = 5_000;

    // A delete in the shared database may cascade to rows that were to stay; the next round brings them.
    const int Rounds = 5;

    readonly Comparison comparison = new(databases, scope, tenant);

    /// <returns>How many rows were written or deleted.</returns>
    /// <exception cref="Failure">A row cannot come home: it collides with another tenant's, or needs a row that only the isolated side has.</exception>
    public async Task<long> RunAsync(CancellationToken cancel)
    {
        long changed = 0;
        for (var round = 1; ; round++)
        {
            var differing = (await comparison.DigestsAsync(jobs, null, cancel))
                .Where(result => !result.IsEqual && result.Table.IsTenantData).Select(result => result.Table.Name).ToHashSet();
            if (differing.Count == 0) return changed;
            if (round > Rounds) throw Sentences.CannotComeHome(tenant.Slug, string.Join(", ", differing));
            changed += await RoundAsync([.. scope.ParentsFirst().Where(table => differing.Contains(table.Name))], cancel);
        }
    }

    async Task<long> RoundAsync(IReadOnlyList<ScopedTable> tables, CancellationToken cancel)
    {
        await using var shared = await databases.Shared.OpenConnectionAsync(cancel);
        await using var isolated = await databases.Isolated.OpenConnectionAsync(cancel);
        var stages = new List<Stage>();
        foreach (var table in tables) stages.Add(await StageAsync(shared, isolated, table, stages.Count, cancel));

        // New and changed rows parents first, then deletions children first; what a constraint does not allow yet waits for the next pass.
        var pending = stages.SelectMany(stage => stage.Batches.Select(batch => new Write(stage, batch, Deletes: false)))
            .Concat(Enumerable.Reverse(stages).SelectMany(stage => stage.Batches.Select(batch => new Write(stage, batch, Deletes: true))))
            .ToList();
        long changed = 0;
        PostgresException? refusal = null;
        for (var progress = true; pending.Count > 0 && progress;)
        {
            progress = false;
            foreach (var write in pending.ToArray())
                try
                {
                    changed += await InTransactionAsync(shared, [write.Stage.Table.Name], () => ApplyAsync(shared, write, cancel), cancel);
                    pending.Remove(write);
                    progress = true;
                }
                catch (PostgresException e) when (IsConstraint(e))
                {
                    refusal = e;
                }
        }
        if (pending.Count > 0) changed += await ApplyTogetherAsync(shared, pending, refusal!, cancel);
        foreach (var stage in stages) await ExecuteAsync(shared, $"DROP TABLE {stage.Name}", cancel);
        return changed;
    }

    // The last resort for rows that hold each other up (two that swapped a unique value, a circle of keys): all of them in one
    // transaction, the changed ones removed before they are written anew.
    async Task<long> ApplyTogetherAsync(NpgsqlConnection shared, List<Write> pending, PostgresException refusal, CancellationToken cancel)
    {
        try
        {
            return await InTransactionAsync(shared, [.. pending.Select(write => write.Stage.Table.Name).Distinct()], async () =>
            {
                await ExecuteAsync(shared, "SET CONSTRAINTS ALL DEFERRED", cancel);
                long changed = 0;
                foreach (var write in pending.Where(write => write.Deletes)) changed += await ApplyAsync(shared, write, cancel);
                foreach (var write in Enumerable.Reverse(pending).Where(write => !write.Deletes && write.Stage.HasKey))
                    await ExecuteAsync(shared, write.Stage.DeleteChanged(write.Batch), cancel);
                foreach (var write in pending.Where(write => !write.Deletes)) changed += await ApplyAsync(shared, write, cancel);
                return changed;
            }, cancel);
        }
        catch (PostgresException e) when (IsConstraint(e))
        {
            throw Sentences.CannotComeHome(tenant.Slug, $"{refusal.SchemaName}.{refusal.TableName}", refusal);
        }
    }

    async Task<long> InTransactionAsync(NpgsqlConnection shared, IReadOnlyList<TableName> tables, Func<Task<long>> work, CancellationToken cancel)
    {
        await using var transaction = await shared.BeginTransactionAsync(cancel);
        await ExecuteAsync(shared, "SET LOCAL lock_timeout = '10s'", cancel);
        await hold(shared, cancel);
        await guard.PassAsync(shared, cancel);
        var nested = tables.Aggregate(work, (inner, table) => () => TriggerSuspension.WithoutTriggersAsync(shared, table, inner, cancel));
        var result = await nested();
        await transaction.CommitAsync(cancel);
        return result;
    }

    static async Task<long> ApplyAsync(NpgsqlConnection shared, Write write, CancellationToken cancel)
    {
        long rows = 0;
        foreach (var statement in write.Deletes ? write.Stage.Deletions(write.Batch) : write.Stage.Upserts(write.Batch))
            rows += await ExecuteAsync(shared, statement, cancel);
        return rows;
    }

    async Task<Stage> StageAsync(NpgsqlConnection shared, NpgsqlConnection isolated, ScopedTable table, int number, CancellationToken cancel)
    {
        var name = $"pg_temp.tenant_promotion_{number}";
        var columns = RawCopy.Columns(table.Table);
        var format = RawCopy.Format(table.Table);
        var buckets = table.Table.Key.Count == 0 ? [] : await comparison.DifferingBucketsAsync(shared, isolated, table, cancel);
        var which = table.Table.Key.Count == 0 ? "true" : Comparison.InBuckets(table.Table, "t", buckets);
        await ExecuteAsync(shared, $"CREATE TEMPORARY TABLE tenant_promotion_{number} AS SELECT {columns} FROM {table.Table.From} LIMIT 0", cancel);
        await RawCopy.StreamAsync(
            isolated, $"COPY (SELECT {Sql.Identifiers("t", table.Table.StoredColumns.Select(column => column.Name))} FROM {table.Table.From} t WHERE {which}) TO STDOUT ({format})",
            shared, $"COPY {name} ({columns}) FROM STDIN ({format})", null, cancel);
        if (table.Table.Key.Count > 0) await ExecuteAsync(shared, $"CREATE INDEX ON {name} ({Sql.Identifiers(table.Table.Key)})", cancel);
        await ExecuteAsync(shared, $"ANALYZE {name}", cancel);
        var staged = await shared.ExecuteScalarAsync<long>(new CommandDefinition($"SELECT count(*) FROM {name}", cancellationToken: cancel));
        return new(table, name, scope.Condition(table, "t", tenant.Key), Batches(buckets, staged));
    }

    // A table without a key is one batch: its rows have no names by which to divide them.
    static IReadOnlyList<IReadOnlyList<int>> Batches(IReadOnlyList<int> buckets, long rows) =>
        buckets.Count == 0 ? [[]] : [.. buckets.Chunk((int)Math.Clamp(RowsPerTransaction * buckets.Count / Math.Max(rows, 1), 1, buckets.Count))];

    static bool IsConstraint(PostgresException e) => e.SqlState.StartsWith("23", StringComparison.Ordinal);

    static Task<int> ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancel) =>
        connection.ExecuteAsync(new CommandDefinition(sql, cancellationToken: cancel));

    sealed record Write(Stage Stage, IReadOnlyList<int> Batch, bool Deletes);

    /// <summary>The isolated side's rows of the buckets that differ, in a temporary table of the shared database.</summary>
    sealed record Stage(ScopedTable Table, string Name, string Condition, IReadOnlyList<IReadOnlyList<int>> Batches)
    {
        Table Definition => Table.Table;

        public bool HasKey => Definition.Key.Count > 0;

        string Columns => RawCopy.Columns(Definition);

        string SameKey => string.Join(" AND ", Definition.Key.Select(name => $"s.{Sql.Identifier(name)} = t.{Sql.Identifier(name)}"));

        string Changed => $"{RowHash.Of(Definition, "s")} <> {RowHash.Of(Definition, "t")}";

        public IEnumerable<string> Upserts(IReadOnlyList<int> batch)
        {
            if (!HasKey) return [$"DELETE FROM {Definition.From} t WHERE {Condition}", $"INSERT INTO {Definition.Name.Quoted} ({Columns}) OVERRIDING SYSTEM VALUE SELECT {Columns} FROM {Name}"];
            var insert =
                $"""
                INSERT INTO {Definition.Name.Quoted} ({Columns}) OVERRIDING SYSTEM VALUE
                SELECT {Columns} FROM {Name} s WHERE {Comparison.InBuckets(Definition, "s", batch)}
                AND NOT EXISTS (SELECT FROM {Definition.From} t WHERE {SameKey} AND {Condition})
                """;
            var assigned = Definition.StoredColumns.Where(column => !column.AlwaysIdentity && !Definition.Key.Contains(column.Name)).Select(column => Sql.Identifier(column.Name)).ToArray();
            return assigned.Length == 0 ? [insert] :
            [
                $"""
                UPDATE {Definition.From} t SET {string.Join(", ", assigned.Select(column => $"{column} = s.{column}"))} FROM {Name} s
                WHERE {SameKey} AND {Condition} AND {Comparison.InBuckets(Definition, "s", batch)} AND {Changed}
                """,
                insert,
            ];
        }

        public IEnumerable<string> Deletions(IReadOnlyList<int> batch) => HasKey
            ? [$"DELETE FROM {Definition.From} t WHERE {Condition} AND {Comparison.InBuckets(Definition, "t", batch)} AND NOT EXISTS (SELECT FROM {Name} s WHERE {SameKey})"]
            : [];

        public string DeleteChanged(IReadOnlyList<int> batch) =>
            $"DELETE FROM {Definition.From} t USING {Name} s WHERE {SameKey} AND {Condition} AND {Comparison.InBuckets(Definition, "s", batch)} AND {Changed}";
    }
}
