using Migrator.Connections;
using Npgsql;

namespace Migrator.Streaming;

/// <summary>
/// Tries for locks on tables that others write to. Other sessions queue behind a waiting one: so the tries are short,
/// with as much time in between, and grow longer when nothing else helps.
/// </summary>
sealed class LockRetry(TimeProvider clock)
{
    public const int Attempts = 24;

    static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(100);
    static readonly TimeSpan Longest = TimeSpan.FromSeconds(2);

    /// <param name="attempt">
    /// Is given how long to wait for a lock; leaves nothing behind when a lock is refused.
    /// </param>
    /// <param name="giveUp">What to throw when the last attempt was refused.</param>
    public async Task RunAsync(
        Func<TimeSpan, Task> attempt,
        Func<PostgresException, Exception> giveUp,
        CancellationToken cancellationToken
    )
    {
        for (var number = 1; ; number++)
            try
            {
                await attempt(TimeoutOf(number));
                return;
            }
            catch (PostgresException e) when (TableLock.IsRefused(e))
            {
                if (number == Attempts)
                    throw giveUp(e);
                await Task.Delay(TimeoutOf(number), clock, cancellationToken);
            }
    }

    // Twice as long after every fourth try.
    static TimeSpan TimeoutOf(int attempt)
    {
        var timeout = Shortest * (1 << (attempt / 4));
        return timeout < Longest ? timeout : Longest;
    }
}
