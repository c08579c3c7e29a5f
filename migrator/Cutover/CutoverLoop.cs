using Migrator.Connections;
using Migrator.Guarding;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Runs;
using Migrator.Scope;
using Migrator.Streaming;
using Migrator.Verification;
using Npgsql;

namespace Migrator.Cutover;

/// <summary>
/// The cutover loop, in both directions: catches up while the tenant writes, pauses its writes, switches. If
/// the pause exceeds its limit, the writes resume and the loop tries again.
/// </summary>
public static class CutoverLoop
{
    const int Attempts = 5;
    const int WaysGiven = 50;
    const int Rounds = 10;
    const int FewKeys = 1_000;
    const int SampleSize = 10;
    const int KeysAtOnce = 10_000;

    static readonly TimeSpan WayGiven = TimeSpan.FromMilliseconds(200);
    static readonly TimeSpan ForwardNearEnough = TimeSpan.FromMilliseconds(100);

    /// <exception cref="MigratorException">
    /// The guard did not close in any attempt; the message names the open transactions.
    /// </exception>
    public static async Task<T> TryAsync<T>(
        PromotionRun run,
        WriteGuard guard,
        Func<Task<T>> attempt,
        CancellationToken cancellationToken
    )
    {
        for (int number = 1, given = 0; ; number++)
            try
            {
                return await attempt();
            }
            catch (WriterWaitsException) when (given < WaysGiven)
            {
                // The writes were held up for a moment only, and meet the next moment in another order.
                number--;
                await Task.Delay(WayGiven * (1 + (++given % 3)), run.Clock, cancellationToken);
            }
            catch (Exception e) when (IsTooSlow(e) && !cancellationToken.IsCancellationRequested)
            {
                var (holders, areTheGuards) = await HoldersAsync(run, guard, cancellationToken);
                var (slug, pause) = (run.Tenant.Slug, run.Options.MaxPause);
                var (reason, failure) = e switch
                {
                    TooManyWaitingException many => (
                        GuardMessages.ManyWaited(many.Sessions),
                        GuardMessages.TooManyWait(slug, many.Sessions)
                    ),
                    WriterWaitsException writer => (
                        GuardMessages.Deadlocked(writer.Message),
                        GuardMessages.WriterWaits(slug, writer.Message)
                    ),
                    _ => (
                        areTheGuards ? GuardMessages.NotClosed(pause) : GuardMessages.NotEnded(pause),
                        GuardMessages.GuardCannotClose(slug, pause, holders)
                    ),
                };
                if (number == Attempts)
                    throw failure;
                run.Progress.Warn(GuardMessages.GuardRetries(reason, number, Attempts, holders));
                await Task.Delay(run.Options.MaxPause, run.Clock, cancellationToken);
            }
    }

    /// <summary>One attempt at a pause before the flip, in a cutover and in its rehearsal.</summary>
    /// <param name="pause">The pause; the tenant's own row is among those to compare.</param>
    public static async Task<T> ForwardAsync<T>(
        PromotionRun run,
        Func<ChangeFeed, KeylessRows, Task<T>> pause,
        CancellationToken cancellationToken
    )
    {
        var direction = StreamDirection.Forward(run.Stream);
        await Withdrawal.RunAsync(run, cancellationToken);
        // The changes that a failed attempt has applied stay, so the next attempt compares their rows too.
        run.Touched.Add(
            direction.Tables.Single(table => table.Table.Scope == TableScope.Root),
            new([run.Tenant.Key]),
            null
        );
        await using var keyless = await KeylessRows.CopyAsync(run, cancellationToken);
        return await ApproachAsync(
            run,
            direction,
            ForwardNearEnough,
            run.Touched,
            feed =>
            {
                feed.DeferRefetches();
                return pause(feed, keyless);
            },
            cancellationToken
        );
    }

    /// <summary>Applies the stream until little is left to apply and few rows are left to compare.</summary>
    /// <param name="touched">Rows to compare; a failed attempt has added its own.</param>
    /// <param name="pause">The pause. The stream keeps running until the feed is disposed.</param>
    public static async Task<T> ApproachAsync<T>(
        PromotionRun run,
        StreamDirection direction,
        TimeSpan near,
        DirtyKeys touched,
        Func<ChangeFeed, Task<T>> pause,
        CancellationToken cancellationToken
    )
    {
        var isNear = false;
        for (var round = 1; ; round++)
        {
            await using (
                var feed = await ChangeFeed.OpenAsync(
                    direction,
                    TargetState.Consistent,
                    cancellationToken,
                    touched: touched
                )
            )
                try
                {
                    if (!isNear)
                        await new CatchUpLoop(direction).WithinAsync(feed, near, cancellationToken);
                    if (touched.Count <= FewKeys || round > Rounds / 2)
                    {
                        await RequireFlippableAsync(run, cancellationToken);
                        if (direction.IsReverse)
                            await new CatchUpLoop(direction).GoodMomentAsync(feed, cancellationToken);
                        return await pause(feed);
                    }
                }
                catch (ConsistentPointNeededException) when (round <= Rounds)
                {
                    // Rows change tenant all the time: the stream cannot come closer than a consistent point.
                    isNear = true;
                }
            await using var point = await ConsistentPoint.SyncAsync(
                direction,
                TargetState.Consistent,
                touched,
                cancellationToken
            );
            await RecheckAsync(run, direction, touched, point.Snapshot, cancellationToken);
            touched.Clear();
        }
    }

    // The flip writes the tenant's row without the application's triggers. Inside the pause there is no time to wait for
    // their table.
    static async Task RequireFlippableAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        await TriggerDisabling.RequireUnlockedAsync(shared, run.Tenancy.Table, run.Clock, cancellationToken);
    }

    /// <summary>Compares the rows that changes have touched.</summary>
    /// <param name="snapshot">
    /// The source's snapshot at the target's position; null when the source does not change.
    /// </param>
    public static async Task RecheckAsync(
        PromotionRun run,
        StreamDirection direction,
        DirtyKeys touched,
        string? snapshot,
        CancellationToken cancellationToken
    )
    {
        var comparison = new Comparison(
            run.Databases,
            run.Common,
            run.Tenant,
            direction.IsReverse ? new(Isolated: snapshot) : new(Shared: snapshot)
        );
        var differences = new List<RowDifference>();
        foreach (var (table, all) in touched.All.Where(one => one.Table.Table.IsTenantData))
        foreach (var keys in all.Select(key => key.Values).Chunk(KeysAtOnce))
            differences.AddRange(await comparison.RowsAsync(table.Table, keys, SampleSize, cancellationToken));
        if (differences.Count == 0)
            return;
        throw direction.IsReverse
            ? StreamMessages.StreamDiverged(run.Tenant.Slug, $"{differences[0].Table} differs in {differences[0].Key}.")
            : VerificationMessages.Different(run.Tenant.Slug, [], [.. differences.Select(row => row.ToString())]);
    }

    // Of the guard, or of the lock that the flip itself takes.
    static async Task<(IReadOnlyList<string> Holders, bool AreTheGuards)> HoldersAsync(
        PromotionRun run,
        WriteGuard guard,
        CancellationToken cancellationToken
    )
    {
        if (await guard.HoldersAsync(cancellationToken) is { Count: > 0 } holders)
            return (holders, true);
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        return (await LockHolders.OfTableAsync(shared, run.Tenancy.Table, cancellationToken), false);
    }

    static bool IsTooSlow(Exception e) =>
        e
            is OperationCanceledException
                or WriterWaitsException
                or PostgresException
                {
                    SqlState: PostgresErrorCodes.LockNotAvailable
                        or PostgresErrorCodes.QueryCanceled
                        or ServerFailure.IdleInTransactionTimeout
                };
}
