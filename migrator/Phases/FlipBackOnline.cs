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

    static async Task<double> PauseAsync(
        PromotionRun run,
        StreamDirection direction,
        ChangeFeed feed,
        DirtyKeys touched,
        CancellationToken cancellationToken
    )
    {
        using var limit = new PauseDeadline(run, cancellationToken);
        await run.IsolatedGuard.CloseAsync(run.Options.MaxPause * 0.6, cancellationToken);
        try
        {
            await using (var isolated = await run.Databases.Isolated.OpenConnectionAsync(limit.Token))
                await feed.WaitForWatermarkAsync(
                    await ReplicationSlot.EmitWatermarkAsync(isolated, limit.Token),
                    limit.Token
                );
            await CutoverLoop.RecheckAsync(run, direction, touched, null, limit.Token);
            var unstreamed = run.Common.UnstreamedTables.ToArray();
            if (unstreamed.Length > 0)
                await new RowReconciler(
                    run.Databases,
                    run.Common,
                    run.Tenant,
                    run.Guard,
                    run.RequireCurrentRunAsync,
                    run.Options.Jobs,
                    run.Clock
                ).RunAsync(unstreamed, limit.Token);
            await SequenceSetter.BringHomeAsync(run.Databases, run.Common, limit.Token);
            limit.Token.ThrowIfCancellationRequested();
            await Flip.BackAsync(run, limit.Left, CancellationToken.None);
            return limit.Elapsed.TotalMilliseconds;
        }
        catch when (!run.Journal.Lost.IsCancellationRequested)
        {
            if ((await run.RecordAsync(CancellationToken.None)).IsFlipped)
                await run.IsolatedGuard.OpenAsync(CancellationToken.None);
            throw;
        }
    }
}
