using System.Diagnostics.Metrics;
using Migrator.Progress;

namespace Migrator.Telemetry;

/// <summary>The metrics of one run; docs/metrics.md lists them.</summary>
sealed class MoveMetrics : IDisposable
{
    // Pauses are some hundred milliseconds long, and seconds in mode fenced.
    static readonly double[] PauseBounds = [0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30, 60, 300];

    readonly Lock gate = new();
    readonly KeyValuePair<string, object?>[] who;
    readonly TimeProvider clock;
    readonly Counter<long> rows;
    readonly Counter<long> bytes;
    readonly Histogram<double> pause;
    (string Name, long Began)? phase;
    ProgressState? measured;
    (long Lag, long Held)? slot;
    TimeSpan throttled;
    long? throttledSince;

    public MoveMetrics(string tenant, string verb, TimeProvider clock)
    {
        who = [new(Instruments.Tenant, tenant), new(Instruments.Verb, verb)];
        this.clock = clock;
        rows = Meter.CreateCounter<long>("migrator.copy.rows", "{row}", "Rows copied by this run.");
        bytes = Meter.CreateCounter<long>("migrator.copy.bytes", "By", "Bytes copied by this run.");
        pause = Meter.CreateHistogram<double>(
            "migrator.pause",
            "s",
            "How long the tenant's writes were paused.",
            null,
            new InstrumentAdvice<double> { HistogramBucketBoundaries = PauseBounds }
        );
        ObservePhase();
        ObserveProgress();
        Gauge("migrator.lag", "By", "Log of the shared server that is not applied yet.", () => slot?.Lag);
        Gauge("migrator.slot.held", "By", "Log that the shared server keeps for the slot.", () => slot?.Held);
        Gauge(
            "migrator.throttled",
            null,
            "Whether the run stands still on purpose.",
            () => throttledSince is null ? 0 : 1
        );
        Meter.CreateObservableCounter(
            "migrator.throttled.duration",
            () => new Measurement<double>(Read(() => Throttled.TotalSeconds), who),
            "s",
            "How long the run has stood still on purpose."
        );
    }

    /// <summary>Where the instruments are.</summary>
    internal Meter Meter { get; } = new(Instruments.Name, Instruments.Version);

    public void PhaseStarted(string name) => Change(() => (phase, measured) = ((name, clock.GetTimestamp()), null));

    public void PhaseEnded() => Change(() => (phase, measured) = (null, null));

    public void Measured(ProgressState now) => Change(() => measured = now.Phase == phase?.Name ? now : null);

    public void Streams((long Lag, long Held)? now) => Change(() => slot = now);

    public void Advanced(long count) => bytes.Add(count, who);

    public void Copied(long count) => rows.Add(count, who);

    public void Paused(double milliseconds) =>
        pause.Record(milliseconds / 1000, With(Instruments.Phase, Read(() => phase?.Name)));

    public void Waits(bool waits) =>
        Change(() => (throttled, throttledSince) = (Throttled, waits ? clock.GetTimestamp() : null));

    /// <summary>The run has ended.</summary>
    public void Ended() =>
        Change(() =>
        {
            (throttled, throttledSince) = (Throttled, null);
            (phase, measured, slot) = (null, null, null);
        });

    public void Dispose() => Meter.Dispose();

    TimeSpan Throttled => throttled + (throttledSince is { } since ? clock.GetElapsedTime(since) : TimeSpan.Zero);

    void ObservePhase()
    {
        Gauge("migrator.phase", null, "1 for the phase that runs.", () => phase is null ? null : 1, OfPhase);
        Gauge(
            "migrator.phase.elapsed",
            "s",
            "How long the phase that runs has been running.",
            () => phase is { } now ? clock.GetElapsedTime(now.Began).TotalSeconds : null,
            OfPhase
        );
    }

    void ObserveProgress()
    {
        Gauge(
            "migrator.progress.done",
            null,
            "What the phase has counted so far.",
            () => measured is { Unit: not null } now ? now.Done : null,
            OfUnit
        );
        Gauge(
            "migrator.progress.expected",
            null,
            "About how much the phase will count.",
            () => measured?.Total,
            OfUnit
        );
        Gauge("migrator.eta.min", "s", "At least so much is left of the phase.", () => measured?.Left?.From, OfPhase);
        Gauge("migrator.eta.max", "s", "At most so much is left of the phase.", () => measured?.Left?.To, OfPhase);
    }

    KeyValuePair<string, object?>[] OfPhase() => With(Instruments.Phase, phase?.Name);

    KeyValuePair<string, object?>[] OfUnit() => [.. OfPhase(), new("unit", measured?.Unit)];

    KeyValuePair<string, object?>[] With(string tag, string? value) => [.. who, new(tag, value)];

    // A gauge without a value is not there.
    void Gauge(
        string name,
        string? unit,
        string description,
        Func<double?> value,
        Func<KeyValuePair<string, object?>[]>? tags = null
    ) =>
        Meter.CreateObservableGauge(
            name,
            () => Read<Measurement<double>[]>(() => value() is { } now ? [new(now, tags?.Invoke() ?? who)] : []),
            unit,
            description
        );

    T Read<T>(Func<T> read)
    {
        lock (gate)
            return read();
    }

    void Change(Action change)
    {
        lock (gate)
            change();
    }
}
