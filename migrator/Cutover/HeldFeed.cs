using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Runs;
using Migrator.Streaming;

namespace Migrator.Cutover;

/// <summary>The stream of a promotion that holds, with what is measured of it.</summary>
public sealed class HeldFeed(PromotionRun run)
{
    static readonly TimeSpan Freshness = TimeSpan.FromMinutes(1);
    static readonly TimeSpan NoteInterval = TimeSpan.FromSeconds(5);
    static readonly TimeSpan Breath = TimeSpan.FromSeconds(1);

    // The comparison of more rows would be noticed in a pause.
    const int FewKeys = 5_000;

    const int FewSamples = 3;

    readonly StreamDirection direction = StreamDirection.Forward(run.Stream);
    readonly PauseForecast forecast = new(run);
    long compared = run.Clock.GetTimestamp();
    long? noted;
    bool isVerified;
    string? postponed;

    /// <summary>Follows the stream for a few moments, for a promotion that holds without a process.</summary>
    public async Task<HoldState> MeasureAsync(CancellationToken cancellationToken)
    {
        await NoteAsync(cancellationToken);
        await FollowAsync(() => forecast.Count >= FewSamples, cancellationToken);
        noted = null;
        await NoteAsync(cancellationToken);
        return forecast.State;
    }

    /// <summary>Ends when a comparison is due.</summary>
    public Task FollowAsync(CancellationToken cancellationToken) => FollowAsync(() => IsDue, cancellationToken);

    async Task FollowAsync(Func<bool> isEnough, CancellationToken cancellationToken)
    {
        await using var source = await direction.Source.OpenConnectionAsync(cancellationToken);
        await using var feed = await ChangeFeed.OpenAsync(
            direction,
            TargetState.Consistent,
            cancellationToken,
            run.Touched
        );
        try
        {
            while (!isEnough())
            {
                var emitted = run.Clock.GetTimestamp();
                await feed.PassWatermarkAsync(source, cancellationToken);
                await forecast.MeasureAsync(run.Clock.GetElapsedTime(emitted), cancellationToken);
                await Task.Delay(Breath, run.Clock, cancellationToken);
            }
        }
        catch (ConsistentPointNeededException)
        {
            // Rows have changed tenant: only a consistent point leads on, and that is what a comparison begins with.
        }
    }

    /// <summary>Compares the touched rows at a consistent point.</summary>
    public async Task CompareAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var point = await ConsistentPoint.SyncAsync(
                direction,
                TargetState.Consistent,
                run.Touched,
                cancellationToken
            );
            var began = run.Clock.GetTimestamp();
            await CutoverLoop.RecheckAsync(run, direction, run.Touched, point.Snapshot, cancellationToken);
            forecast.Compared(run.Touched.Count, run.Clock.GetElapsedTime(began));
            run.Touched.Clear();
            (isVerified, postponed) = (true, null);
        }
        catch (MigratorException e) when (e.Transient)
        {
            // Somebody's transaction has been open all the while. The rows stay noted for the next time.
            postponed = HoldMessages.ComparisonWaits(e.Message);
        }
        compared = run.Clock.GetTimestamp();
    }

    /// <summary>Writes into the journal what was measured.</summary>
    public async Task NoteAsync(CancellationToken cancellationToken)
    {
        if (noted is { } before && !isVerified && run.Clock.GetElapsedTime(before) < NoteInterval)
            return;
        var (state, verified) = (
            forecast.State with
            {
                Touched = run.Touched.Count,
                WaitsFor =
                [
                    .. postponed is { } why ? (string[])[why] : [],
                    .. await run.Guard.HoldersAsync(cancellationToken),
                ],
            },
            isVerified
        );
        isVerified = false;
        var began = run.Clock.GetTimestamp();
        await run.Journal.TransactAsync(
            transaction => HoldJournal.NoteAsync(transaction, run.Id, state, verified),
            cancellationToken
        );
        forecast.Committed(run.Clock.GetElapsedTime(began));
        await run.Journal.TransactAsync(run.Guard.ForgetNotedAsync, cancellationToken);
        noted = run.Clock.GetTimestamp();
    }

    bool IsDue =>
        run.Touched.Count > FewKeys || (run.Touched.Count > 0 && run.Clock.GetElapsedTime(compared) > Freshness);
}
