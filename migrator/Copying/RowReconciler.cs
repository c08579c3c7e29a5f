using Migrator.Connections;
using Migrator.Guarding;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Progress;
using Migrator.Scope;
using Migrator.Streaming;
using Migrator.Verification;
using Npgsql;

namespace Migrator.Copying;

/// <summary>
/// Makes the tenant's rows in the shared database equal to those of the isolated one, by key: missing rows are
/// inserted, different rows updated, surplus rows deleted. Both guards are closed meanwhile. The work can be repeated,
/// and ends when the digests are equal.
/// </summary>
/// <param name="requireCurrentRun">Called in each transaction; fails when a newer run has taken over.</param>
public sealed class RowReconciler(
    Databases databases,
    TenantScope scope,
    Tenant tenant,
    WriteGuard guard,
    Func<NpgsqlConnection, CancellationToken, Task> requireCurrentRun,
    int jobs,
    IPromotionProgress progress,
    TimeProvider clock
)
{
    // A delete in the shared database may cascade to rows that should stay; the next round inserts them again.
    const int Rounds = 5;

    // While the application's triggers are off, other tenants' writers of the table wait.
    const int RowsPerRemoval = 1_000;

    readonly Comparison comparison = new(databases, scope, tenant);
    readonly ReconcilerTransactions transactions = new(guard, requireCurrentRun, clock);

    /// <returns>How many rows were written or deleted.</returns>
    /// <exception cref="MigratorException">
    /// A row cannot be written: it collides with another tenant's row, or refers to a row that only the isolated side
    /// has.
    /// </exception>
    public Task<long> RunAsync(CancellationToken cancellationToken) =>
        RunAsync([.. scope.TenantTables], cancellationToken);

    /// <param name="among">The tables to compare; the others are known to be equal.</param>
    public async Task<long> RunAsync(IReadOnlyList<ScopedTable> among, CancellationToken cancellationToken) =>
        await EqualAsync([.. among.Where(table => !table.Reads.Any())], cancellationToken)
        + await EqualAsync([.. among.Where(table => table.Reads.Any())], cancellationToken);

    /// <summary>
    /// Deletes the shared rows of which other tables' rows tell that they are the tenant's, as long as these still say so: to be
    /// called before any of them changes. Such rows come home last.
    /// </summary>
    public async Task RemoveReadingAsync(CancellationToken cancellationToken)
    {
        if (scope.TenantTables.Where(table => table.Reads.Any()).ToArray() is not { Length: > 0 } reading)
            return;
        await using var shared = await databases.Shared.OpenConnectionAsync(cancellationToken);
        foreach (var table in reading)
        foreach (var leaf in table.Table.Leaves.Select(leaf => "ONLY " + leaf.Name.Quoted))
        {
            var some =
                $"SELECT t.ctid FROM {leaf} t WHERE {scope.ConditionOfAll(table, tenant.Id)} LIMIT {RowsPerRemoval}";
            var delete = $"DELETE FROM {leaf} WHERE ctid = ANY (ARRAY({some}))";
            while (
                await WriteAsync(
                    shared,
                    table.Name,
                    async () => await shared.ExecuteAsync(delete, cancellationToken),
                    cancellationToken
                ) > 0
            ) { }
        }
    }

    async Task<long> EqualAsync(IReadOnlyList<ScopedTable> among, CancellationToken cancellationToken)
    {
        if (among.Count == 0)
            return 0;
        long changed = 0;
        for (var round = 1; ; round++)
        {
            var differing = (await comparison.DigestsAsync(among, jobs, cancellationToken, Compared))
                .Where(result => !result.IsEqual)
                .Select(result => result.Table.Name)
                .ToHashSet();
            if (differing.Count == 0)
                return changed;
            if (round > Rounds)
                throw RollbackMessages.CannotComeHome(tenant.Slug, string.Join(", ", differing));
            changed += await RoundAsync(
                [.. scope.ParentsFirst().Where(table => differing.Contains(table.Name))],
                cancellationToken
            );
        }
    }

    /// <summary>
    /// Brings tables near, while the tenant still writes to the isolated database: <see cref="RunAsync(CancellationToken)"/>
    /// then has less to write. Rows that do not fit yet are left to it.
    /// </summary>
    public async Task ApproachAsync(IReadOnlyList<ScopedTable> tables, CancellationToken cancellationToken)
    {
        try
        {
            await RoundAsync(tables, cancellationToken);
        }
        catch (MigratorException e) when (e.Code == ExitCode.Failed) { }
    }

    /// <summary>Makes tables equal to the isolated ones as a snapshot shows them; the shared rows that these refer to are there.</summary>
    /// <param name="snapshot">An exported snapshot of the isolated database.</param>
    public async Task AlignAsync(
        IReadOnlyList<ScopedTable> tables,
        string snapshot,
        CancellationToken cancellationToken
    )
    {
        await using var shared = await databases.Shared.OpenConnectionAsync(cancellationToken);
        await using var isolated = await databases.Isolated.OpenConnectionAsync(cancellationToken);
        await using var reading = await Snapshots.BeginAsync(isolated, snapshot, cancellationToken);
        await RoundAsync(shared, isolated, tables, cancellationToken);
        var then = new Comparison(databases, scope, tenant, new(Isolated: snapshot));
        var results = await then.DigestsAsync(tables, jobs, cancellationToken);
        if (results.FirstOrDefault(result => !result.IsEqual) is { } other)
            throw RollbackMessages.CannotComeHome(tenant.Slug, $"{other.Table.Name}");
    }

    /// <summary>Writes rows of one table past the closed guard, in one transaction.</summary>
    /// <exception cref="MigratorException">A constraint refuses them.</exception>
    public async Task<long> WriteAsync(
        NpgsqlConnection shared,
        TableName table,
        Func<Task<long>> work,
        CancellationToken cancellationToken
    )
    {
        Task<long> WriteAsync(bool lifts) =>
            transactions.RunAsync(shared, [table], [], lifts, [new(table)], work, cancellationToken);
        try
        {
            return await WriteAsync(lifts: false);
        }
        catch (PostgresException e) when (ServerFailure.IsConstraintViolation(e)) { }
        try
        {
            return await WriteAsync(lifts: true);
        }
        catch (PostgresException e) when (ServerFailure.IsConstraintViolation(e))
        {
            throw RollbackMessages.CannotComeHome(tenant.Slug, $"{table}", e);
        }
    }

    async Task<long> RoundAsync(IReadOnlyList<ScopedTable> tables, CancellationToken cancellationToken)
    {
        await using var shared = await databases.Shared.OpenConnectionAsync(cancellationToken);
        await using var isolated = await databases.Isolated.OpenConnectionAsync(cancellationToken);
        return await RoundAsync(shared, isolated, tables, cancellationToken);
    }

    async Task<long> RoundAsync(
        NpgsqlConnection shared,
        NpgsqlConnection isolated,
        IReadOnlyList<ScopedTable> tables,
        CancellationToken cancellationToken
    )
    {
        var loader = new StageLoader(comparison, scope, tenant);
        var stages = new List<ReconcilerStage>();
        foreach (var table in tables)
            stages.Add(await loader.LoadAsync(shared, isolated, table, stages.Count, cancellationToken));

        var changed = await WriteAsync(shared, stages, cancellationToken);
        foreach (var stage in stages)
            await shared.ExecuteAsync(
                $"DROP TABLE {stage.Name}{(stage.Surplus is { } surplus ? $", {surplus}" : "")}",
                cancellationToken
            );
        return changed;
    }

    // Inserts parents first, then updates, then deletes children first. A write that a constraint refuses waits for the
    // next pass.
    async Task<long> WriteAsync(
        NpgsqlConnection shared,
        IReadOnlyList<ReconcilerStage> stages,
        CancellationToken cancellationToken
    )
    {
        var pending = new List<ReconcilerWrite>();
        foreach (
            var kind in (ReconcilerWriteKind[])
                [ReconcilerWriteKind.Insert, ReconcilerWriteKind.Update, ReconcilerWriteKind.Delete]
        )
            pending.AddRange(
                (kind == ReconcilerWriteKind.Delete ? Enumerable.Reverse(stages) : stages).SelectMany(stage =>
                    stage.Batches.Select(batch => new ReconcilerWrite(stage, batch, kind))
                )
            );
        var (changed, refusal) = await PassAsync(shared, pending, lifts: false, cancellationToken);
        if (pending.Count > 0)
        {
            // Rows older than a constraint NOT VALID need not satisfy it.
            var (more, still) = await PassAsync(shared, pending, lifts: true, cancellationToken);
            (changed, refusal) = (changed + more, still ?? refusal);
        }
        if (pending.Count > 0)
            changed += await ApplyTogetherAsync(shared, pending, refusal!, cancellationToken);
        return changed;
    }

    // Writes as long as one more write succeeds.
    async Task<(long Changed, PostgresException? Refusal)> PassAsync(
        NpgsqlConnection shared,
        List<ReconcilerWrite> pending,
        bool lifts,
        CancellationToken cancellationToken
    )
    {
        long changed = 0;
        PostgresException? refusal = null;
        var all = pending.Count;
        for (var written = true; pending.Count > 0 && written; )
        {
            written = false;
            foreach (var write in pending.ToArray())
                try
                {
                    changed += await transactions.RunAsync(
                        shared,
                        [write.Stage],
                        lifts,
                        write.Written,
                        () => ApplyAsync(shared, write.Statements, cancellationToken),
                        cancellationToken
                    );
                    pending.Remove(write);
                    written = true;
                    progress.Reached("", ProgressUnit.Batches, all - pending.Count, all);
                }
                catch (PostgresException e) when (ServerFailure.IsConstraintViolation(e))
                {
                    refusal = e;
                }
        }
        return (changed, refusal);
    }

    // The last resort for writes that block each other (two rows that swapped a unique value, a cycle of foreign keys):
    // one transaction for all of them.
    async Task<long> ApplyTogetherAsync(
        NpgsqlConnection shared,
        List<ReconcilerWrite> pending,
        PostgresException refusal,
        CancellationToken cancellationToken
    )
    {
        var stuck = pending.Select(write => (write.Stage, write.Batch)).Distinct().ToArray();
        try
        {
            return await transactions.RunAsync(
                shared,
                [.. stuck.Select(one => one.Stage).Distinct()],
                lifts: true,
                stuck.Select(one => one.Stage.Table.Name).Distinct().Select(table => new WrittenTable(table)),
                () => ApplyDeferredAsync(shared, stuck, cancellationToken),
                cancellationToken
            );
        }
        catch (PostgresException e) when (ServerFailure.IsConstraintViolation(e))
        {
            throw RollbackMessages.CannotComeHome(tenant.Slug, $"{refusal.SchemaName}.{refusal.TableName}", refusal);
        }
    }

    // Foreign keys are deferred, unique values are replaced by placeholders, and the last update sets the final values.
    static async Task<long> ApplyDeferredAsync(
        NpgsqlConnection shared,
        (ReconcilerStage Stage, IReadOnlyList<int> Batch)[] stuck,
        CancellationToken cancellationToken
    )
    {
        var resumptions = await ConstraintDeferral.DeferKeysAsync(
            shared,
            stuck.Select(one => one.Stage.Table.Name),
            cancellationToken
        );
        await shared.ExecuteAsync("SET CONSTRAINTS ALL DEFERRED", cancellationToken);
        foreach (var (stage, batch) in stuck)
            await ApplyAsync(shared, stage.ParkUniqueValues(batch), cancellationToken);
        long changed = 0;
        foreach (var (stage, batch) in stuck.Reverse())
            changed += await ApplyAsync(shared, stage.Deletions(batch), cancellationToken);
        foreach (var (stage, batch) in stuck)
            changed += await ApplyAsync(shared, stage.Insertions(batch), cancellationToken);
        foreach (var (stage, batch) in stuck)
            changed += await ApplyAsync(shared, stage.Updates(batch), cancellationToken);
        await shared.ExecuteAsync("SET CONSTRAINTS ALL IMMEDIATE", cancellationToken);
        await ApplyAsync(shared, resumptions, cancellationToken);
        return changed;
    }

    static async Task<long> ApplyAsync(
        NpgsqlConnection shared,
        IEnumerable<string> statements,
        CancellationToken cancellationToken
    )
    {
        long rows = 0;
        foreach (var statement in statements)
            rows += await shared.ExecuteAsync(statement, cancellationToken);
        return rows;
    }

    void Compared(TableComparison result) =>
        progress.Reached($"{result.Table.Name}", ProgressUnit.Rows, result.Isolated.Rows, null);
}
