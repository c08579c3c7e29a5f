using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Phases;
using Migrator.Runs;
using Migrator.Streaming;

namespace Migrator;

/// <summary>
/// The rollback after the flip. The reverse stream copies the changes while the tenant keeps working. Without a
/// stream, or if the stream breaks, all rows are compared instead, behind a closed guard.
/// </summary>
sealed class Rollback(Phase[] byComparison, Phase[] byStream, Phase[] finalization)
{
    string[] WayBack => [.. byComparison.Concat(byStream).Select(phase => phase.Name).Distinct()];

    /// <param name="force">Go on although the shared rows are not those of the flip.</param>
    public async Task RunAsync(PromotionRun run, PhaseRunner runner, bool force, CancellationToken cancellationToken)
    {
        await RequireIsolatedAsync(run, cancellationToken);
        // The tenant writes while we look around.
        if (run.Record.Stage == PromotionStage.RollingBack)
            await run.IsolatedGuard.ReopenAsync(cancellationToken);
        if (run.Record.Stage != PromotionStage.FlippedBack)
            await RollbackChecks.RunAsync(run, force, cancellationToken);
        await run.Journal.Phases.NoteAsync(run.Id, PhaseName.CutOver, new RollbackFacts(true), cancellationToken);
        await BeginAsync(run, cancellationToken);
        if (!await HasStreamAsync(run, cancellationToken))
        {
            await runner.RunAsync(run, byComparison, cancellationToken);
            return;
        }
        try
        {
            await runner.RunAsync(run, byStream, cancellationToken);
        }
        catch (StreamLostException apart)
        {
            run.Progress.Warn(RollbackMessages.ComparesInstead(apart.Message));
            await StreamDirection.RemoveAllAsync(run.Stream, cancellationToken);
            await runner.RunAsync(run, byComparison, cancellationToken);
        }
    }

    /// <summary>The rollback did not reach its flip: the tenant stays in the isolated database.</summary>
    public async Task GiveUpAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        // Update the journal first. If the guard were opened while the journal still said 'closed', the next
        // rollback would copy rows while the tenant writes. The stream has changed rows in the shared database
        // already, so the digests that finalize checks must be recorded again.
        await run.Journal.Phases.ForgetAsync(run.Id, [.. WayBack, PhaseName.VerifyFlip], cancellationToken);
        await run.IsolatedGuard.RemoveAsync(cancellationToken);
        await run.Journal.ReturnToIsolatedAsync(run.Id, cancellationToken);
    }

    static async Task RequireIsolatedAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await using var server = await run.Databases.Maintenance.OpenConnectionAsync(cancellationToken);
        if (!await IsolatedDatabase.ExistsAsync(server, run.Tenant.Slug, cancellationToken))
            throw RollbackMessages.IsolatedGone(run.Tenant.Slug, run.Target);
    }

    async Task BeginAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        switch (run.Record.Stage)
        {
            case PromotionStage.Isolated or PromotionStage.Finalized:
                // The rollback restores rows that finalize deleted, so a later finalize must run its phases again.
                await run.Journal.ReopenForRollbackAsync(
                    run.Id,
                    [.. WayBack, .. finalization.Select(phase => phase.Name).Except([PhaseName.VerifyFlip])],
                    cancellationToken
                );
                break;
            case PromotionStage.RollingBack:
                // The first of these phases claims the isolated database for this run; without it no later phase could
                // write there. The guard that an earlier run had closed is open.
                await run.Journal.Phases.ForgetAsync(
                    run.Id,
                    [
                        PhaseName.CatchUpReverse,
                        PhaseName.VerifyReverse,
                        PhaseName.CloseIsolatedGuard,
                        PhaseName.ReconcileShared,
                    ],
                    cancellationToken
                );
                break;
        }
    }

    // Until finalize, an online promotion has a slot that keeps the changes since the flip.
    static async Task<bool> HasStreamAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        if (!run.Record.IsOnline || run.Record.State == PromotionState.Finalized)
            return false;
        if (run.Record.Stage == PromotionStage.FlippedBack)
            return true;
        await using var isolated = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken);
        return await ReplicationSlot.ExistsAsync(isolated, StreamDirection.Reverse(run.Stream).Name, cancellationToken);
    }
}
