using Migrator.Copying;
using Migrator.Journal;
using Migrator.Streaming;

namespace Migrator.Phases;

/// <summary>The cutover's mirror image: the isolated side's guard closes, the last changes come home, the tenant is flipped back.</summary>
public sealed class FlipBackOnline : Phase
{
    static readonly TimeSpan NearEnough = TimeSpan.FromSeconds(10);

    public override string Name => FlipBack.PhaseName;
    public override string Title => "Flip back to the shared database";
    public override string State => PromotionState.RollingBack;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        // An attempt that fails has applied what it has applied: the next looks at that too.
        var touched = new TouchedKeys();
        var pause = await Handover.TryAsync(
            run,
            CloseIsolated.GuardOf(run),
            () => AttemptAsync(run, touched, cancellationToken),
            cancellationToken
        );
        return new($"pause {pause:N0} ms", Recorded: true);
    }

    static async Task<double> AttemptAsync(PromotionRun run, TouchedKeys touched, CancellationToken cancellationToken)
    {
        var direction = StreamDirection.Homebound(run);
        await OpenAsync(run, cancellationToken);
        return await Handover.ApproachAsync(
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
        TouchedKeys touched,
        CancellationToken cancellationToken
    )
    {
        using var limit = new PauseLimit(run, cancellationToken);
        await CloseIsolated.InIsolatedAsync(
            run,
            transaction => CloseIsolated.GuardOf(run).CloseAsync(transaction, run.Options.MaxPause * 0.6),
            cancellationToken
        );
        try
        {
            await using (var isolated = await run.Databases.Isolated.OpenConnectionAsync(limit.Token))
                await feed.ReachAsync(await ReplicationSlot.MarkAsync(isolated, limit.Token), limit.Token);
            await Handover.RecheckAsync(run, direction, touched, null, limit.Token);
            var unstreamed = run.Scope.TenantTables.Where(table => !table.Table.IsStreamable).ToArray();
            if (unstreamed.Length > 0)
                await new Homecoming(
                    run.Databases,
                    run.Scope,
                    run.Tenant,
                    run.Guard,
                    run.HoldAsync,
                    run.Options.Jobs
                ).RunAsync(unstreamed, limit.Token);
            await SequenceSetter.BringHomeAsync(run.Databases, run.Scope, limit.Token);
            limit.Token.ThrowIfCancellationRequested();
            await FlipBack.CommitAsync(run, limit.Left, CancellationToken.None);
            return limit.Elapsed.TotalMilliseconds;
        }
        catch when (!run.Journal.Lost.IsCancellationRequested)
        {
            if ((await run.RecordAsync(CancellationToken.None)).IsFlipped)
                await OpenAsync(run, CancellationToken.None);
            throw;
        }
    }

    // The tenant goes on in the isolated database.
    static Task OpenAsync(PromotionRun run, CancellationToken cancellationToken) =>
        CloseIsolated.InIsolatedAsync(run, CloseIsolated.GuardOf(run).OpenAsync, cancellationToken);
}
