using Migrator.Messages;
using Migrator.Model;
using Migrator.Runs;

namespace Migrator.Cutover;

/// <summary>The time that is left of a pause; the pause began when this object was created.</summary>
public sealed class PauseDeadline : IDisposable
{
    // Others queue behind a lock that is waited for. A free lock is taken even at the last moment.
    static readonly TimeSpan Brief = TimeSpan.FromMilliseconds(100);

    // Longer than the driver takes to cancel a statement and break its connection.
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    readonly PromotionRun run;
    readonly long began;
    readonly CancellationToken interrupted;
    readonly CancellationTokenSource abandoned = new();
    Task unfinished = Task.CompletedTask;

    /// <param name="cancellationToken">Ends the pause at once.</param>
    public PauseDeadline(PromotionRun run, CancellationToken cancellationToken)
    {
        this.run = run;
        interrupted = cancellationToken;
        began = run.Clock.GetTimestamp();
    }

    /// <summary>
    /// Waits for the work while the pause lasts, and no longer, whatever the work waits for. <see cref="SettleAsync"/>
    /// must follow in any case, and not before the guard is open again.
    /// </summary>
    /// <remarks>
    /// A cancelled token is no timeout: a read from a server that does not answer, and a Dispose, may not look at it,
    /// and the driver may try for seconds to tell that server to cancel. So the work's token is cancelled by
    /// SettleAsync, when the guard is open again, and not before.
    /// </remarks>
    /// <exception cref="OperationCanceledException">The pause is over, or was interrupted.</exception>
    public async Task<T> WithinAsync<T>(Func<CancellationToken, Task<T>> work)
    {
        var running = Task.Run(() => work(abandoned.Token), CancellationToken.None);
        unfinished = running;
        await Task.WhenAny(running, Task.Delay(Left, run.Clock, interrupted));
        return running.IsCompleted && Elapsed < run.Options.MaxPause
            ? await running
            : throw new OperationCanceledException();
    }

    /// <summary>
    /// Cancels and awaits the work that the end of the pause has left behind, so that no later attempt runs beside it.
    /// </summary>
    /// <exception cref="MigratorException">
    /// It does not end. The next run has a higher number, and what this work still writes cannot commit.
    /// </exception>
    public async Task SettleAsync()
    {
        var left = Task.WhenAll(abandoned.CancelAsync(), unfinished)
            .ContinueWith(done => done.Exception, TaskScheduler.Default);
        if (await Task.WhenAny(left, Task.Delay(Patience, run.Clock)) != left)
            throw GuardMessages.PauseLeftWork(Patience);
    }

    public TimeSpan Elapsed => run.Clock.GetElapsedTime(began);

    /// <summary>How long the flip may wait for a lock, which was free before the guard closed.</summary>
    public static TimeSpan LockTimeout => Brief;

    TimeSpan Left => run.Options.MaxPause - Elapsed is var left && left > Brief ? left : Brief;

    public void Dispose() => abandoned.Dispose();
}
