using Migrator.Guarding;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Runs;
using Migrator.Streaming;
using Migrator.Terminal;
using Migrator.Verification;
using Npgsql;

namespace Migrator.Cutover;

/// <summary>
/// The way to the moment at which the tenant changes hands, there and back: near it while the tenant writes, then a pause; and if others make that
/// too long, the tenant goes on and it is tried again.
/// </summary>
public static class CutoverLoop
{
    const int Attempts = 5;
    const int Rounds = 10;
    const int FewKeys = 5_000;
    const int SampleSize = 10;

    /// <exception cref="Failure">The tenant's transactions, which the message names, kept the guard from closing each time.</exception>
    public static async Task<T> TryAsync<T>(
        PromotionRun run,
        WriteGuard guard,
        Func<Task<T>> attempt,
        CancellationToken cancellationToken
    )
    {
        for (var number = 1; ; number++)
            try
            {
                return await attempt();
            }
            catch (Exception e) when (IsTooSlow(e) && !cancellationToken.IsCancellationRequested)
            {
                var holders = await guard.HoldersAsync(cancellationToken);
                if (number == Attempts)
                    throw GuardMessages.GuardCannotClose(run.Tenant.Slug, run.Options.MaxPause, holders);
                run.Progress.Warn(GuardMessages.GuardRetries(run.Options.MaxPause, number, Attempts, holders));
                await Task.Delay(run.Options.MaxPause, run.Clock, cancellationToken);
            }
    }

    /// <summary>Follows the stream until what remains is a moment's work, and few rows are left to look at again.</summary>
    /// <param name="touched">Rows to look at; an attempt that failed has left its own.</param>
    /// <param name="pause">The pause, with a stream that goes on until it is disposed of.</param>
    public static async Task<double> ApproachAsync(
        PromotionRun run,
        StreamDirection direction,
        TimeSpan near,
        DirtyKeys touched,
        Func<ChangeFeed, Task<double>> pause,
        CancellationToken cancellationToken
    )
    {
        var isNear = false;
        for (var round = 1; ; round++)
        {
            await using (
                var feed = await ChangeFeed.OpenAsync(direction, exact: true, cancellationToken, touched: touched)
            )
                try
                {
                    if (!isNear)
                        await new CatchUpLoop(direction, run.Progress, run.Clock).WithinAsync(
                            feed,
                            near,
                            cancellationToken
                        );
                    if (touched.Count <= FewKeys || round > Rounds / 2)
                        return await pause(feed);
                }
                catch (ConsistentPointNeededException) when (round <= Rounds)
                {
                    // Rows travel all the time: behind the point is as near as it gets.
                    isNear = true;
                }
            await using var point = await ConsistentPoint.SyncAsync(direction, exact: true, touched, cancellationToken);
            await RecheckAsync(run, direction, touched, point.Snapshot, cancellationToken);
            touched.Clear();
        }
    }

    /// <summary>Compares the rows that changes have touched.</summary>
    /// <param name="snapshot">The source's snapshot that the target stands at; null when the source stands still.</param>
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
            run.Scope,
            run.Tenant,
            direction.IsReverse ? new(Isolated: snapshot) : new(Shared: snapshot)
        );
        var differences = new List<RowDifference>();
        foreach (var (table, keys) in touched.All.Where(one => one.Table.Table.IsTenantData))
            differences.AddRange(
                await comparison.RowsAsync(
                    table.Table,
                    [.. keys.Select(key => key.Values)],
                    SampleSize,
                    cancellationToken
                )
            );
        if (differences.Count == 0)
            return;
        throw direction.IsReverse
            ? StreamMessages.StreamDiverged(run.Tenant.Slug, $"{differences[0].Table} differs in {differences[0].Key}.")
            : VerificationMessages.Different(run.Tenant.Slug, [], [.. differences.Select(row => row.ToString())]);
    }

    static bool IsTooSlow(Exception e) =>
        e
            is OperationCanceledException
                or PostgresException
                {
                    SqlState: PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.QueryCanceled
                };
}
