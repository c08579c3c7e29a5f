using Migrator.Copying;
using Migrator.Cutover;
using Migrator.Model;
using Migrator.Runs;
using Migrator.Streaming;

namespace Migrator.Phases;

/// <summary>
/// The cutover in the other direction: closes the isolated database's guard, applies the last changes to the
/// shared database, and flips the tenant back.
/// </summary>
public sealed class FlipBackOnline : Phase
{
    static readonly TimeSpan NearEnough = TimeSpan.FromSeconds(10);

    public override string Name => PhaseName.FlipBack;
    public override string Title => "Flip back to the shared database";
    public override string State => PromotionState.RollingBack;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        // The changes that a failed attempt has applied stay, so the next attempt compares their rows too.
        var touched = new DirtyKeys();
        var summary = await CutoverLoop.TryAsync(
            run,
            run.IsolatedGuard.Guard,
            () => AttemptAsync(run, touched, cancellationToken),
            cancellationToken
        );
        return new(summary, Recorded: true);
    }

    static async Task<string> AttemptAsync(PromotionRun run, DirtyKeys touched, CancellationToken cancellationToken)
    {
        var direction = StreamDirection.Reverse(run.Stream);
        await run.IsolatedGuard.OpenAsync(cancellationToken);
        await using var keyless = await KeylessRowsHome.CopyAsync(run, direction, touched, cancellationToken);
        return await CutoverLoop.ApproachAsync(
            run,
            direction,
            NearEnough,
            touched,
            feed => PauseAsync(run, direction, feed, touched, keyless, cancellationToken),
            cancellationToken
        );
    }

    static async Task<string> PauseAsync(
        PromotionRun run,
        StreamDirection direction,
        ChangeFeed feed,
        DirtyKeys touched,
        KeylessRowsHome keyless,
        CancellationToken cancellationToken
    )
    {
        var parts = new PauseParts(run.Clock);
        var pause = await Pause.RunAsync(
            run,
            run.IsolatedGuard.Guarded,
            parts,
            token => PrepareAsync(run, direction, feed, touched, keyless, parts, token),
            async (closed, limit, _) =>
            {
                await parts.MeasureAsync(PauseParts.Flip, () => Flip.HomeAsync(run, closed, PauseDeadline.LockTimeout));
                return limit.Elapsed.TotalMilliseconds;
            },
            cancellationToken
        );
        return parts.Report(run.Progress, pause);
    }

    static async Task<bool> PrepareAsync(
        PromotionRun run,
        StreamDirection direction,
        ChangeFeed feed,
        DirtyKeys touched,
        KeylessRowsHome keyless,
        PauseParts parts,
        CancellationToken cancellationToken
    )
    {
        await parts.MeasureAsync(
            PauseParts.Changes,
            () => feed.WaitForLastChangeAsync(run.Databases.Isolated, cancellationToken)
        );
        await parts.MeasureAsync(
            PauseParts.Compare,
            () => CutoverLoop.RecheckAsync(run, direction, touched, null, cancellationToken)
        );
        if (run.Common.UnstreamedTables.Any())
            await parts.MeasureAsync(PauseParts.Keyless, () => keyless.CatchUpAsync(cancellationToken));
        await parts.MeasureAsync(
            PauseParts.Sequences,
            () => SequenceSetter.BringHomeAsync(run.Databases, run.Common, cancellationToken)
        );
        return true;
    }
}
