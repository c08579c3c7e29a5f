using Migrator.Cutover;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Runs;
using Migrator.Streaming;

namespace Migrator.Phases;

/// <summary>
/// Holds the tenant before its cutover, where the promotion was asked to: the stream is followed and the rows stay
/// verified until somebody, a time or a window lets the promotion go. After a kill the next run holds again.
/// </summary>
public sealed class Hold : Phase
{
    public override string Name => PhaseName.Hold;
    public override string Title => "Hold before the cutover";
    public override string State => PromotionState.Holding;

    public override Task<bool> IsDueAsync(PromotionRun run, CancellationToken cancellationToken) =>
        run.Journal.TransactAsync(
            async transaction =>
                await HoldJournal.FindAsync(transaction.Connection, run.Id, cancellationToken) is not null,
            cancellationToken
        );

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        // A failed attempt has left this slot, which would keep the log of all that the stream writes.
        await StreamDirection.Reverse(run.Stream).RemoveAsync(cancellationToken);
        await run.Journal.TransactAsync(
            async transaction =>
            {
                await HoldJournal.ReachedAsync(transaction, run.Id);
                var hold = await HoldJournal.FindAsync(transaction.Connection, run.Id, cancellationToken);
                await run.HappenedAsync(transaction, HookEvent.Holding, hold?.Failure);
            },
            cancellationToken
        );
        if (run.Options is { LetGoBy: null, Hold.Detach: true })
        {
            var state = await new HeldFeed(run).MeasureAsync(cancellationToken);
            run.Progress.Info(HoldMessages.Detached(run.Tenant.Slug, state.PauseFromMs, state.PauseToMs));
            return new("the slot keeps the changes", Stops: true);
        }
        // The run that was started to cut over has just verified every row.
        if (run.Options.LetGoBy is not null)
            return new($"let go by {await LetGoByAsync(run, cancellationToken)}");
        run.Progress.Info(HoldMessages.Holds(run.Tenant.Slug));
        var by = await new HoldLoop(run).RunAsync(cancellationToken);
        return new($"let go by {by}");
    }

    static Task<string> LetGoByAsync(PromotionRun run, CancellationToken cancellationToken) =>
        run.Journal.TransactAsync(
            async transaction =>
                (await HoldJournal.FindAsync(transaction.Connection, run.Id, cancellationToken))?.GoBy
                ?? throw HoldMessages.TakenBack(run.Tenant.Slug.Text),
            cancellationToken
        );
}
