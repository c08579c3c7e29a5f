namespace Migrator.Progress;

/// <summary>What is done of something, and how fast.</summary>
sealed class ProgressCounter
{
    // A rate of less time says little.
    const double Least = 5;

    readonly Rate minute = new(TimeSpan.FromMinutes(1));
    readonly Rate tenMinutes = new(TimeSpan.FromMinutes(10));
    (DateTimeOffset At, long Done)? last;
    double measured;

    public long Done { get; set; }

    public long? Total { get; set; }

    /// <summary>To be called each second.</summary>
    public void Measure(DateTimeOffset now)
    {
        if (last is { } before && now > before.At)
        {
            var seconds = (now - before.At).TotalSeconds;
            measured += seconds;
            minute.Add(Done - before.Done, seconds);
            tenMinutes.Add(Done - before.Done, seconds);
        }
        // What an earlier run has done is there at once, and says nothing of the rate.
        if (last is not null || Done > 0)
            last = (now, Done);
    }

    /// <param name="table">Empty for the phase as a whole.</param>
    public ProgressState State(string phase, string table, DateTime since, string? unit, string? waitsFor) =>
        new(
            phase,
            table,
            since,
            unit,
            Done,
            Total is { } total ? Math.Max(total, Done) : null,
            measured < Least ? null : minute.PerSecond,
            measured < Least ? null : tenMinutes.PerSecond,
            waitsFor
        );
}
