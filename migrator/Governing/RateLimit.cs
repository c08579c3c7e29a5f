namespace Migrator.Governing;

/// <summary>
/// Bytes per second, over all workers together. A worker that has sent more waits until the rate allows it.
/// </summary>
public sealed class RateLimit(long bytesPerSecond, TimeProvider clock)
{
    // Rows come one by one; a wait for each of them would be shorter than the timer's resolution.
    static readonly TimeSpan ShortestWait = TimeSpan.FromMilliseconds(10);

    // A timer cannot wait for longer than some weeks.
    static readonly TimeSpan LongestWait = TimeSpan.FromDays(1);

    // A timer that fires late is made up for; a pause of the copy is not.
    static readonly TimeSpan Credit = TimeSpan.FromMilliseconds(100);

    /// <summary>The rate.</summary>
    public long BytesPerSecond => bytesPerSecond;

    readonly Lock turn = new();
    readonly long start = clock.GetTimestamp();
    TimeSpan paidUntil;

    public Task PassAsync(long bytes, CancellationToken cancellationToken)
    {
        TimeSpan wait;
        lock (turn)
        {
            var now = clock.GetElapsedTime(start);
            if (paidUntil < now - Credit)
                paidUntil = now - Credit;
            paidUntil += TimeSpan.FromSeconds((double)bytes / bytesPerSecond);
            wait = paidUntil - now < LongestWait ? paidUntil - now : LongestWait;
        }
        return wait < ShortestWait ? Task.CompletedTask : Task.Delay(wait, clock, cancellationToken);
    }
}
