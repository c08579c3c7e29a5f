using Migrator.Connections;
using Migrator.Guarding;
using Migrator.Journal;
using Migrator.Model;

namespace Migrator.Phases;

/// <summary>
/// The first step of a rollback after the flip: a guard on the isolated database, closed. From here on neither side takes the tenant's writes.
/// </summary>
public sealed class CloseIsolatedGuard : Phase
{
    public override string Name => "close-isolated";
    public override string Title => "Close the isolated database for writes";
    public override string State => PromotionState.RollingBack;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await InstallAsync(run, cancellationToken);
        var guard = GuardOf(run);
        return await CutoverLoop.TryAsync(
            run,
            guard,
            async () =>
            {
                await InIsolatedAsync(
                    run,
                    transaction => guard.CloseAsync(transaction, run.Options.MaxPause),
                    cancellationToken
                );
                return new PhaseOutcome("neither side takes the tenant's writes");
            },
            cancellationToken
        );
    }

    /// <summary>Gives the tenant back its writes in the isolated database: the rollback did not reach its flip.</summary>
    public override async Task UndoAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        if (await GuardOf(run).StateAsync(cancellationToken) is null)
            return;
        await run.Isolated.ClaimAsync(cancellationToken);
        await InIsolatedAsync(run, GuardOf(run).OpenAsync, cancellationToken);
        await GuardOf(run).RemoveAsync(cancellationToken);
    }

    /// <summary>The guard in the isolated database; the same rules, where every row is the tenant's.</summary>
    public static WriteGuard GuardOf(PromotionRun run) => new(run.Databases.Isolated, run.Scope, run.Tenant);

    /// <summary>Both guards in their places: closed in the shared database, open in the isolated one.</summary>
    public static async Task InstallAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        // After finalize the shared side has no guard any more; it must refuse writes before rows come home.
        await run.Guard.InstallAsync("closed", cancellationToken);
        await run.Databases.EndLeftoverSessionsAsync(cancellationToken);
        await run.Isolated.ClaimAsync(cancellationToken);
        await using var connection = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync(SqlFile.Read("guard.sql"), cancellationToken);
        await GuardOf(run).InstallAsync("open", cancellationToken);
    }

    /// <summary>A transaction in the isolated database that no older run gets through.</summary>
    public static async Task InIsolatedAsync(
        PromotionRun run,
        Func<JournalTransaction, Task> work,
        CancellationToken cancellationToken
    )
    {
        await using var connection = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await run.Isolated.RequireCurrentRunAsync(connection, cancellationToken);
        await work(new(connection, cancellationToken));
        await transaction.CommitAsync(cancellationToken);
    }
}
