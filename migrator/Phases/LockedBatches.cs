namespace Migrator.Phases;

/// <summary>
/// Sizes the batches of a deletion that keeps a table locked, because triggers are disabled, so that the table's writers
/// wait for no longer than <see cref="Most"/>; and leaves the table to them for as long as it was locked.
/// </summary>
sealed class LockedBatches(TimeProvider clock)
{
    const int First = 200;

    /// <summary>What a batch is made to take from the lock to the commit.</summary>
    static readonly TimeSpan Most = TimeSpan.FromMilliseconds(40);

    long? since;
    TimeSpan held;

    /// <summary>Rows of the next batch.</summary>
    public int Rows { get; private set; } = First;

    /// <summary>The triggers are disabled.</summary>
    /// <param name="excludesWriters">False if there are none, so that no writer waits.</param>
    public void Locked(bool excludesWriters) => since = excludesWriters ? clock.GetTimestamp() : null;

    /// <summary>The transaction has ended.</summary>
    /// <param name="limit">Rows of the next batch at most.</param>
    public void Released(int limit)
    {
        held = since is { } began ? clock.GetElapsedTime(began) : TimeSpan.Zero;
        var next = held == TimeSpan.Zero ? limit : Rows * Math.Clamp(Most / held, 0.1, 2);
        Rows = Math.Clamp((int)next, 1, limit);
    }

    /// <summary>The turn of those who waited.</summary>
    public Task RestAsync(CancellationToken cancellationToken) => Task.Delay(held, clock, cancellationToken);
}
