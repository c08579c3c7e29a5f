using Dapper;
using Migrator.Console;
using Migrator.Copying;
using Migrator.Journal;
using Migrator.Streaming;
using Migrator.Verification;
using Npgsql;

namespace Migrator.Phases;

/// <summary>The cutover's mirror image: the isolated side's guard closes, the last changes come home, the tenant is flipped back.</summary>
public sealed class FlipBackOnline : Phase
{
    const int Attempts = 5;
    const int FewKeys = 5_000;

    static readonly TimeSpan NearEnough = TimeSpan.FromSeconds(10);

    public override string Name => FlipBack.PhaseName;
    public override string Title => "Flip back to the shared database";
    public override string State => PromotionState.RollingBack;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancel)
    {
        // An attempt that fails has applied what it has applied: the next looks at that too.
        var touched = new TouchedKeys();
        for (var attempt = 1; ; attempt++)
            try
            {
                return new($"pause {await AttemptAsync(run, touched, cancel):N0} ms", Recorded: true);
            }
            catch (Exception e) when (e is OperationCanceledException or PostgresException { SqlState: PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.QueryCanceled } && !cancel.IsCancellationRequested)
            {
                var holders = await CloseIsolated.GuardOf(run).HoldersAsync(cancel);
                if (attempt == Attempts) throw Sentences.GuardCannotClose(run.Tenant.Slug, run.Options.MaxPause, holders);
                run.Progress.Warn(Sentences.GuardRetries(run.Options.MaxPause, attempt, Attempts, holders));
                await Task.Delay(run.Options.MaxPause, run.Clock, cancel);
            }
    }

    static async Task<double> AttemptAsync(PromotionRun run, TouchedKeys touched, CancellationToken cancel)
    {
        var direction = StreamDirection.Homebound(run);
        await OpenAsync(run, cancel);
        for (var round = 1; ; round++)
        {
            await using (var feed = await ChangeFeed.OpenAsync(direction, exact: true, cancel, touched: touched))
            {
                await CatchUp.ComeNearAsync(run, direction, feed, NearEnough, cancel);
                if (touched.Count <= FewKeys || round > Attempts) return await PauseAsync(run, direction, feed, touched, cancel);
            }
            await using var point = await ExactPoint.MeetAsync(direction, exact: true, touched, cancel);
            await RecheckAsync(run, new(run.Databases, run.Scope, run.Tenant, new(Isolated: point.Snapshot)), touched, cancel);
            touched.Clear();
        }
    }

    static async Task<double> PauseAsync(PromotionRun run, StreamDirection direction, ChangeFeed feed, TouchedKeys touched, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(run.Options.MaxPause);
        var began = run.Clock.GetTimestamp();
        await CloseIsolated.InIsolatedAsync(run, transaction => CloseIsolated.GuardOf(run).CloseAsync(transaction, run.Options.MaxPause * 0.6), cancel);
        try
        {
            await using (var isolated = await run.Databases.Isolated.OpenConnectionAsync(limit.Token))
                await feed.ReachAsync(await ReplicationSlot.MarkAsync(isolated, limit.Token), limit.Token);
            await RecheckAsync(run, new(run.Databases, run.Scope, run.Tenant), touched, limit.Token);
            var unstreamed = run.Scope.TenantTables.Where(table => !table.Table.IsStreamable).ToArray();
            if (unstreamed.Length > 0)
                await new Homecoming(run.Databases, run.Scope, run.Tenant, run.Guard, run.HoldAsync, run.Options.Jobs).RunAsync(unstreamed, limit.Token);
            await SequenceSetter.BringHomeAsync(run.Databases, run.Scope, limit.Token);
            limit.Token.ThrowIfCancellationRequested();
            await FlipBack.CommitAsync(run, CancellationToken.None);
            return run.Clock.GetElapsedTime(began).TotalMilliseconds;
        }
        catch when (!run.Journal.Lost.IsCancellationRequested)
        {
            if ((await run.RecordAsync(CancellationToken.None)).IsFlipped) await OpenAsync(run, CancellationToken.None);
            throw;
        }
    }

    static async Task RecheckAsync(PromotionRun run, Comparison comparison, TouchedKeys touched, CancellationToken cancel)
    {
        if ((await CutOverOnline.DifferencesAsync(comparison, touched, cancel)).FirstOrDefault() is { } row)
            throw Sentences.StreamDiverged(run.Tenant.Slug, $"{row.Table} differs in {row.Key}.");
    }

    // The tenant goes on in the isolated database.
    static Task OpenAsync(PromotionRun run, CancellationToken cancel) => CloseIsolated.InIsolatedAsync(run, CloseIsolated.GuardOf(run).OpenAsync, cancel);
}
