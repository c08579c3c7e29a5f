using System.Data;
using Migrator.Connections;
using Migrator.Copying;
using Migrator.Journal;
using Migrator.Model;
using Migrator.Runs;
using Npgsql;

namespace Migrator.Phases;

/// <summary>Copies all of the tenant's rows, several tables at once.</summary>
public sealed class CopyData : Phase
{
    public override string Name => PhaseName.CopyData;
    public override string Title => "Copy the rows";
    public override string State => PromotionState.Copying;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        var began = run.Clock.GetTimestamp();
        var plans = await PlanAsync(run, cancellationToken);
        run.Progress.TablesPlanned([
            .. plans
                .GroupBy(plan => plan.Table.Name)
                .Select(group => (group.Key, group.Sum(plan => plan.Rows), group.Sum(plan => plan.Bytes))),
        ]);
        await CopyAsync(run, await LeftAsync(run, plans, cancellationToken), cancellationToken);

        var totals = (await run.Isolated.LoadedAsync(cancellationToken)).Values;
        var facts = new CopyFacts(
            totals.Sum(part => part.Rows),
            totals.Sum(part => part.Bytes),
            run.Clock.GetElapsedTime(began).TotalSeconds
        );
        return new($"{facts.Rows:N0} rows, {facts.Bytes / 1e6:N1} MB", facts, Happened: HookEvent.Copied);
    }

    // A table that an earlier run has finished stays; any other table is truncated and copied again. Of tables that are
    // copied as of one moment, all are.
    static async Task<IReadOnlyList<LeafPlan>> LeftAsync(
        PromotionRun run,
        IReadOnlyList<LeafPlan> plans,
        CancellationToken cancellationToken
    )
    {
        var loaded = await run.Isolated.LoadedAsync(cancellationToken);
        bool IsLoaded(LeafPlan plan) =>
            plan.Parts.All(part => loaded.ContainsKey((plan.Leaf.Name.ToString(), part.Number)))
            && loaded.Keys.Count(key => key.Table == plan.Leaf.Name.ToString()) == plan.Parts.Count;

        var repeats = Together(run, plans).Any(plan => !IsLoaded(plan));
        bool Stays(LeafPlan plan) => IsLoaded(plan) && !(repeats && IsTogether(run, plan));

        foreach (var plan in plans.Where(Stays))
        {
            var parts = plan.Parts.Select(part => loaded[(plan.Leaf.Name.ToString(), part.Number)]).ToArray();
            run.Progress.Advance(plan.Table.Name, parts.Sum(part => part.Bytes));
            run.Progress.PartDone(plan.Table.Name, parts.Sum(part => part.Rows));
        }
        return [.. plans.Where(plan => !Stays(plan))];
    }

    // Behind the closed guard the tenant's rows stand still. Rows that come along do not, and name one another: all of them
    // are copied as of one moment. Online, the stream tells what has changed between the moments of the tables.
    static bool IsTogether(PromotionRun run, LeafPlan plan) =>
        !run.Record.IsOnline && run.Scope.ComesAlong(plan.Table, "t") is not null;

    static LeafPlan[] Together(PromotionRun run, IReadOnlyList<LeafPlan> plans) =>
        [.. plans.Where(plan => IsTogether(run, plan))];

    static async Task CopyAsync(PromotionRun run, IReadOnlyList<LeafPlan> plans, CancellationToken cancellationToken)
    {
        await run.Governor.BeginAsync(cancellationToken);
        var copier = new TableCopier(
            run.Databases,
            run.Scope,
            run.Tenant,
            run.Isolated,
            run.Progress,
            run.Governor,
            run.Clock
        );
        await using var source = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        await using var moment = await source.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
        var snapshot = await MomentAsync(source, Together(run, plans), cancellationToken);
        using var slots = new SemaphoreSlim(run.Options.Jobs);
        // Few leaves at a time, largest first: a leaf that is copied in parts holds a snapshot for its whole copy.
        await Parallel.ForEachAsync(
            plans.OrderByDescending(plan => plan.Leaf.Bytes),
            new ParallelOptions { MaxDegreeOfParallelism = run.Options.Jobs, CancellationToken = cancellationToken },
            async (plan, token) => await copier.CopyAsync(plan, slots, IsTogether(run, plan) ? snapshot : null, token)
        );
    }

    // Locked first, as each table is before its own snapshot.
    static async Task<string?> MomentAsync(
        NpgsqlConnection source,
        LeafPlan[] plans,
        CancellationToken cancellationToken
    )
    {
        if (plans.Length == 0)
            return null;
        await TableCopier.LockAsync(source, plans, cancellationToken);
        return await source.ExecuteScalarAsync<string>("SELECT pg_export_snapshot()", cancellationToken);
    }

    static async Task<IReadOnlyList<LeafPlan>> PlanAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        var plans = new List<LeafPlan>();
        // In online mode, tables without a key are copied during the pause: an earlier copy would block deletes
        // of the rows it references.
        var isOnline = run.Record.IsOnline;
        foreach (
            var table in run.Scope.CopiedTables.Where(table => !isOnline || table.IsStreamed || !table.IsTenantData)
        )
        foreach (var leaf in table.Table.Leaves)
            plans.Add(
                await CopyPlanner.PlanAsync(
                    shared,
                    table,
                    leaf,
                    run.Scope.CopiedOfAll(table, run.Tenant.Id),
                    run.Options.Jobs,
                    cancellationToken
                )
            );
        return plans;
    }
}
