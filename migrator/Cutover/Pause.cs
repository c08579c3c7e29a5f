using Migrator.Guarding;
using Migrator.Runs;

namespace Migrator.Cutover;

/// <summary>The pause of a cutover, in either direction.</summary>
public static class Pause
{
    /// <summary>
    /// Closes the guard of the database that the tenant leaves, prepares the other one, and moves the tenant. Unless
    /// the move commits, the guard is open again before anything else is waited for.
    /// </summary>
    /// <param name="parts">Where to note how long each part takes.</param>
    /// <param name="prepare">
    /// Everything between the close and the move. A server that does not answer may hold this up for any time.
    /// </param>
    public static async Task<T> RunAsync<TReady, T>(
        PromotionRun run,
        GuardedDatabase left,
        PauseParts parts,
        Func<CancellationToken, Task<TReady>> prepare,
        Func<ClosedGuard, PauseDeadline, TReady, Task<T>> move,
        CancellationToken cancellationToken
    )
    {
        var (refuses, whole) = (run.Options.RefusesDuringPause, run.Options.MaxPause);
        await using var waiting = WaitingLimit.Start(run, left, cancellationToken);
        using var limit = new PauseDeadline(run, waiting.Token);
        try
        {
            using var closed = await parts.MeasureAsync(
                PauseParts.Close,
                () => left.PauseAsync(refuses, whole * 0.6, whole, waiting.Token)
            );
            return await RunAsync(run, left, limit, closed, prepare, move);
        }
        catch (OperationCanceledException e) when (waiting.Waiting is { } sessions)
        {
            throw new TooManyWaitingException(sessions, e);
        }
    }

    static async Task<T> RunAsync<TReady, T>(
        PromotionRun run,
        GuardedDatabase left,
        PauseDeadline limit,
        ClosedGuard closed,
        Func<CancellationToken, Task<TReady>> prepare,
        Func<ClosedGuard, PauseDeadline, TReady, Task<T>> move
    )
    {
        try
        {
            // From here on the tenant's rows in the database that it leaves do not change.
            return await move(closed, limit, await limit.WithinAsync(prepare));
        }
        catch when (run.Options.RefusesDuringPause)
        {
            closed.Dispose();
            await left.TransactAsync(left.Guard.OpenAsync, CancellationToken.None);
            throw;
        }
        finally
        {
            closed.Dispose();
            await limit.SettleAsync();
        }
    }
}
