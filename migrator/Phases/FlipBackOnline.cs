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
        var pause = await CutoverLoop.TryAsync(
            run,
            run.IsolatedGuard.Guard,
            () => AttemptAsync(run, touched, cancellationToken),
            cancellationToken
        );
        return new($"pause {pause:N0} ms", Recorded: true);
    }

    static async Task<double> AttemptAsync(PromotionRun run, DirtyKeys touched, CancellationToken cancellationToken)
    {
        var direction = StreamDirection.Reverse(run.Stream);
        await run.IsolatedGuard.OpenAsync(cancellationToken);
        return await CutoverLoop.ApproachAsync(
            run,
            direction,
            NearEnough,
            touched,
            feed => PauseAsync(run, direction, feed, touched, cancellationToken),
            cancellationToken
        );
    }

    static Task<double> PauseAsync(
        PromotionRun run,
        StreamDirection direction,
        ChangeFeed feed,
        DirtyKeys touched,
        CancellationToken cancellationToken
    ) =>
        Pause.RunAsync(
            run,
            run.IsolatedGuard.Guarded,
            token => PrepareAsync(run, direction, feed, touched, token),
            async (closed, limit, _) =>
            {
                await Flip.HomeAsync(run, closed, limit.Left);
                return limit.Elapsed.TotalMilliseconds;
            },
            cancellationToken
        );

    static async Task<bool> PrepareAsync(
        PromotionRun run,
        StreamDirection direction,
        ChangeFeed feed,
        DirtyKeys touched,
        CancellationToken cancellationToken
    )
    {
        await using (var isolated = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken))
            await feed.WaitForWatermarkAsync(
                await ReplicationSlot.EmitWatermarkAsync(isolated, cancellationToken),
                cancellationToken
            );
        await CutoverLoop.RecheckAsync(run, direction, touched, null, cancellationToken);
        var unstreamed = run.Common.UnstreamedTables.ToArray();
        if (unstreamed.Length > 0)
            await run.Reconciler.RunAsync(unstreamed, cancellationToken);
        await SequenceSetter.BringHomeAsync(run.Databases, run.Common, cancellationToken);
        return true;
    }
}
