using Migrator.Runs;

namespace Migrator.Cutover;

/// <summary>How long a pause may still last; it began when this was made.</summary>
public sealed class PauseDeadline : IDisposable
{
    // So that a lock which is free is taken even at the last moment.
    static readonly TimeSpan Least = TimeSpan.FromMilliseconds(100);

    readonly PromotionRun run;
    readonly long began;
    readonly CancellationTokenSource source;

    public PauseDeadline(PromotionRun run, CancellationToken cancellationToken)
    {
        this.run = run;
        began = run.Clock.GetTimestamp();
        source = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        source.CancelAfter(run.Options.MaxPause);
    }

    /// <summary>Cancelled when the pause has lasted too long.</summary>
    public CancellationToken Token => source.Token;

    public TimeSpan Elapsed => run.Clock.GetElapsedTime(began);

    /// <summary>What is left for a lock to wait for.</summary>
    public TimeSpan Left => run.Options.MaxPause - Elapsed is var left && left > Least ? left : Least;

    public void Dispose() => source.Dispose();
}
