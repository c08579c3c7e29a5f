using Migrator.Connections;
using Migrator.Guarding;
using Migrator.Runs;

namespace Migrator.Cutover;

/// <summary>
/// Ends a pause in which more of the tenant's sessions wait than are allowed: sessions that wait take places in the
/// application's pool and in the server. The guard opens, they go on, and the cutover is tried again.
/// </summary>
sealed class WaitingLimit : IAsyncDisposable
{
    static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    readonly CancellationTokenSource exceeded;
    readonly CancellationTokenSource ending = new();
    readonly Task watching;

    WaitingLimit(PromotionRun run, GuardedDatabase left, CancellationToken cancellationToken)
    {
        exceeded = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        watching = run.Options.MaxWaiting is > 0 and var limit ? WatchAsync(run, left, limit) : Task.CompletedTask;
    }

    /// <summary>How many sessions waited when they were too many; null as long as they are not.</summary>
    public int? Waiting { get; private set; }

    /// <summary>Cancelled when too many sessions wait, or when the caller's token is.</summary>
    public CancellationToken Token => exceeded.Token;

    /// <param name="left">The database that the tenant leaves.</param>
    public static WaitingLimit Start(PromotionRun run, GuardedDatabase left, CancellationToken cancellationToken) =>
        new(run, left, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync();
        await watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        ending.Dispose();
        exceeded.Dispose();
    }

    async Task WatchAsync(PromotionRun run, GuardedDatabase left, int limit)
    {
        await using var connection = Databases.Attended(left.Server);
        await connection.OpenAsync(ending.Token);
        while (true)
        {
            var waiting = await LockHolders.WaitingAsync(connection, left.Guard.Gate, ending.Token);
            if (waiting > limit)
            {
                Waiting = waiting;
                await exceeded.CancelAsync();
                return;
            }
            await Task.Delay(Interval, run.Clock, ending.Token);
        }
    }
}

/// <summary>A pause was ended because too many sessions waited for its end.</summary>
/// <param name="sessions">How many.</param>
sealed class TooManyWaitingException(int sessions, Exception inner) : OperationCanceledException(null, inner)
{
    public int Sessions => sessions;
}
