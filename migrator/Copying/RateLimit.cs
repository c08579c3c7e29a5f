namespace Migrator.Copying;

/// <summary>Bytes a second, over all workers together. Who has passed more than that waits until the rate allows it.</summary>
public sealed class RateLimit(long bytesPerSecond, TimeProvider clock)
{
    // Rows come one by one: sleeping for each would only measure the timer.
    static readonly TimeSpan ShortestWait = TimeSpan.FromMilliseconds(10);

    // What a timer oversleeps is made up for; a pause is not.
    static readonly TimeSpan Credit = TimeSpan.FromMilliseconds(100);

    readonly Lock turn = new();
    readonly long start = clock.GetTimestamp();
    TimeSpan paidUntil;

    public ValueTask PassAsync(long bytes, CancellationToken cancellationToken)
    {
        TimeSpan wait;
        lock (turn)
        {
            var now = clock.GetElapsedTime(start);
            if (paidUntil < now - Credit)
                paidUntil = now - Credit;
            paidUntil += TimeSpan.FromSeconds((double)bytes / bytesPerSecond);
            wait = paidUntil - now;
        }
        return wait < ShortestWait ? ValueTask.CompletedTask : new(Task.Delay(wait, clock, cancellationToken));
    }
}
