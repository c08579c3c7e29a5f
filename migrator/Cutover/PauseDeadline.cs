using Migrator.Runs;

namespace Migrator.Cutover;

/// <summary>The time that is left of a pause; the pause began when this object was created.</summary>
public sealed class PauseDeadline : IDisposable
{
    // A free lock is taken even at the last moment.
    static readonly TimeSpan Least = TimeSpan.FromMilliseconds(100);

    readonly PromotionRun run;
    readonly long began;
    readonly CancellationTokenSource timeout;
    readonly CancellationTokenSource source;

    public PauseDeadline(PromotionRun run, CancellationToken cancellationToken)
    {
        this.run = run;
        began = run.Clock.GetTimestamp();
        timeout = new(run.Options.MaxPause, run.Clock);
        source = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
    }

    /// <summary>Cancelled when the pause has taken too long.</summary>
    public CancellationToken Token => source.Token;

    public TimeSpan Elapsed => run.Clock.GetElapsedTime(began);

    /// <summary>How long a lock request may still wait.</summary>
    public TimeSpan Left => run.Options.MaxPause - Elapsed is var left && left > Least ? left : Least;

    public void Dispose()
    {
        source.Dispose();
        timeout.Dispose();
    }
}
