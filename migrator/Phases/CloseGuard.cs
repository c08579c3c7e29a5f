using Migrator.Cutover;
using Migrator.Guarding;
using Migrator.Hooks;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Runs;

namespace Migrator.Phases;

/// <summary>
/// Closes the guard before the copy (fenced mode): the tenant's rows do not change from here to the flip.
/// </summary>
public sealed class CloseGuard : Phase
{
    public override string Name => PhaseName.CloseGuard;
    public override string Title => "Close the write guard";
    public override string State => PromotionState.Copying;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await CutoverQuestion.AskAsync(run, cancellationToken);
        return await CutoverLoop.TryAsync(
            run,
            run.Guard,
            async () =>
            {
                run.Closed = await ClosedGuard.RefuseAsync(
                    run.Guarded,
                    run.Options.MaxPause,
                    null,
                    transaction => RecordAsync(run, transaction),
                    cancellationToken
                );
                return new PhaseOutcome("the tenant's writes fail from here on", Recorded: true);
            },
            cancellationToken
        );
    }

    /// <summary>
    /// Closes the guard again for a run that goes on with an earlier run's copy, or begins the copy anew, if the tenant
    /// may have written since.
    /// </summary>
    public static async Task ResumeAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        if (run.Record.Phase(PhaseName.CloseGuard) is not { EndedAt: not null } phase)
            return;
        if (PhaseData.Read<CloseGuardFacts>(phase.Facts) is { Epoch: { } epoch })
            run.Closed = await ClosedGuard.ResumeAsync(run.Guarded, run.Options.MaxPause, epoch, cancellationToken);
        if (run.Closed is not null)
            return;
        run.Progress.Info(GuardMessages.BeginsAnew(run.Tenant.Slug));
        await GuardOpening.FencedAsync(run, cancellationToken);
    }

    // One commit closes the guard and records it, so no crash leaves a closed guard that the journal does not know.
    static async Task RecordAsync(PromotionRun run, JournalTransaction transaction)
    {
        await run.Guarded.SetClosedAsync(transaction);
        var epoch = await run.Guard.EpochAsync(transaction);
        await PhaseJournal.EndAsync(transaction, run.Id, PhaseName.CloseGuard, new CloseGuardFacts(epoch));
    }

    public override Task UndoAsync(PromotionRun run, CancellationToken cancellationToken) =>
        GuardOpening.FencedAsync(run, cancellationToken);
}
