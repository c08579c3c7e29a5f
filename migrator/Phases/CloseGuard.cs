using Migrator.Cutover;
using Migrator.Journal;
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

    public override Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken) =>
        CutoverLoop.TryAsync(
            run,
            run.Guard,
            async () =>
            {
                // One commit closes the guard and records it, so no crash leaves a closed guard that the
                // journal does not know.
                await run.Journal.TransactAsync(
                    async transaction =>
                    {
                        await run.Guard.CloseAsync(transaction, run.Options.MaxPause);
                        await PhaseJournal.EndAsync(transaction, run.Id, Name, null);
                    },
                    cancellationToken
                );
                return new PhaseOutcome("the tenant's writes wait or fail from here on", Recorded: true);
            },
            cancellationToken
        );

    public override Task UndoAsync(PromotionRun run, CancellationToken cancellationToken) =>
        GuardOpening.FencedAsync(run, cancellationToken);
}
