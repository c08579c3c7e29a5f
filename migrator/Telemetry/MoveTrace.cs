using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Migrator.Model;

namespace Migrator.Telemetry;

/// <summary>
/// One trace a promotion, over all its runs: its number is made of the promotion's number, so that no run has to know
/// another. A run is a span, and each phase a span below that.
/// </summary>
sealed class MoveTrace(string tenant, string verb, TimeProvider clock) : IDisposable
{
    readonly ActivitySource source = new(Instruments.Name, Instruments.Version);
    readonly DateTimeOffset began = clock.GetUtcNow();

    // Preflight ends before there is a promotion.
    readonly List<PhaseSpan> waiting = [];
    Activity? run;
    PhaseSpan? phase;

    /// <summary>The trace of a promotion.</summary>
    internal static ActivityTraceId TraceOf(DatabaseIdentity journal, long promotion) =>
        ActivityTraceId.CreateFromBytes(
            SHA256.HashData(Encoding.UTF8.GetBytes($"{journal.System}/{journal.Oid}/{promotion}")).AsSpan(0, 16)
        );

    public void Begun(DatabaseIdentity journal, long promotion, string mode)
    {
        if (run is not null)
            return;
        Start(new(TraceOf(journal, promotion), default, ActivityTraceFlags.Recorded));
        run?.SetTag("promotion", promotion).SetTag("mode", mode);
    }

    public void PhaseStarted(string name, string title)
    {
        // A phase that begins again, or after another that has failed.
        EndPhase(isDone: false);
        phase = new(name, title, clock.GetUtcNow());
    }

    public void PhaseEnded(string? summary)
    {
        phase?.Tags.Add("summary", summary);
        EndPhase(isDone: true);
    }

    public void Paused(double milliseconds) => phase?.Tags["pause_ms"] = milliseconds;

    /// <param name="failure">Why the run has failed; null if it has done what it was to do.</param>
    public void Ended(MigratorException? failure, bool isDone)
    {
        EndPhase(isDone);
        // It was refused before there was a promotion.
        if (run is null)
            Start(default);
        if (!isDone)
            run?.SetStatus(ActivityStatusCode.Error, failure?.Message);
        run?.SetEndTime(clock.GetUtcNow().UtcDateTime);
        run?.Dispose();
    }

    public void Dispose() => source.Dispose();

    void Start(ActivityContext parent)
    {
        var before = Activity.Current;
        run = source.StartActivity(verb, ActivityKind.Internal, parent, startTime: began);
        // What the run calls is no part of the trace: hooks are not sent its number.
        Activity.Current = before;
        run?.SetTag(Instruments.Tenant, tenant);
        foreach (var span in waiting)
            Write(span);
        waiting.Clear();
    }

    void EndPhase(bool isDone)
    {
        if (phase is not { } ended)
            return;
        phase = null;
        ended.End(clock.GetUtcNow(), isDone);
        if (run is null)
            waiting.Add(ended);
        else
            Write(ended);
    }

    void Write(PhaseSpan span)
    {
        // Nobody samples this trace.
        if (run is null)
            return;
        var before = Activity.Current;
        using (
            var activity = source.StartActivity(
                span.Name,
                ActivityKind.Internal,
                run.Context,
                span.Tags,
                startTime: span.Began
            )
        )
        {
            if (!span.IsDone)
                activity?.SetStatus(ActivityStatusCode.Error);
            activity?.SetEndTime(span.Ended.UtcDateTime);
        }
        Activity.Current = before;
    }

    sealed record PhaseSpan(string Name, string Title, DateTimeOffset Began)
    {
        public Dictionary<string, object?> Tags { get; } = new() { ["title"] = Title };

        public DateTimeOffset Ended { get; private set; }

        public bool IsDone { get; private set; }

        public void End(DateTimeOffset at, bool isDone) => (Ended, IsDone) = (at, isDone);
    }
}
