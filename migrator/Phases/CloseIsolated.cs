using Dapper;
using Migrator.Guarding;
using Migrator.Journal;
using Migrator.Model;

namespace Migrator.Phases;

/// <summary>
/// The first step of a rollback after the flip: a guard on the isolated database, closed. From here on neither side takes the tenant's writes.
/// </summary>
public sealed class CloseIsolated : Phase
{
    public override string Name => "close-isolated";
    public override string Title => "Close the isolated database for writes";
    public override string State => PromotionState.RollingBack;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancel)
    {
        await InstallAsync(run, cancel);
        var guard = GuardOf(run);
        return await Handover.TryAsync(
            run, guard,
            async () =>
            {
                await InIsolatedAsync(run, transaction => guard.CloseAsync(transaction, run.Options.MaxPause), cancel);
                return new PhaseOutcome("neither side takes the tenant's writes");
            },
            cancel);
    }

    /// <summary>Gives the tenant back its writes in the isolated database: the rollback did not reach its flip.</summary>
    public override async Task UndoAsync(PromotionRun run, CancellationToken cancel)
    {
        if (await GuardOf(run).StateAsync(cancel) is null) return;
        await run.Isolated.TakeAsync(cancel);
        await InIsolatedAsync(run, GuardOf(run).OpenAsync, cancel);
        await GuardOf(run).RemoveAsync(cancel);
    }

    /// <summary>The guard in the isolated database; the same rules, where every row is the tenant's.</summary>
    public static WriteGuard GuardOf(PromotionRun run) => new(run.Databases.Isolated, run.Scope, run.Tenant);

    /// <summary>Both guards in their places: closed in the shared database, open in the isolated one.</summary>
    public static async Task InstallAsync(PromotionRun run, CancellationToken cancel)
    {
        // After finalize the shared side has no guard any more; it must refuse writes before rows come home.
        await run.Guard.InstallAsync("closed", cancel);
        await run.Databases.EndLeftoverSessionsAsync(cancel);
        await run.Isolated.TakeAsync(cancel);
        await using var connection = await run.Databases.Isolated.OpenConnectionAsync(cancel);
        await connection.ExecuteAsync(new CommandDefinition(SqlFile.Read("guard.sql"), cancellationToken: cancel));
        await GuardOf(run).InstallAsync("open", cancel);
    }

    /// <summary>A transaction in the isolated database that no older run gets through.</summary>
    public static async Task InIsolatedAsync(PromotionRun run, Func<JournalTransaction, Task> work, CancellationToken cancel)
    {
        await using var connection = await run.Databases.Isolated.OpenConnectionAsync(cancel);
        await using var transaction = await connection.BeginTransactionAsync(cancel);
        await run.Isolated.HoldAsync(connection, cancel);
        await work(new(connection, cancel));
        await transaction.CommitAsync(cancel);
    }
}
