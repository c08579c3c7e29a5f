using Migrator.Model;
using Migrator.Progress;

namespace Migrator.Telemetry;

/// <summary>Passes everything on, and counts and times it.</summary>
sealed class ObservedProgress(IPromotionProgress shown, MoveMetrics metrics, MoveTrace trace) : RelayedProgress(shown)
{
    public override void Begun(DatabaseIdentity journal, long promotion, string mode)
    {
        trace.Begun(journal, promotion, mode);
        base.Begun(journal, promotion, mode);
    }

    public override void PhaseStarted(string name, string title)
    {
        metrics.PhaseStarted(name);
        trace.PhaseStarted(name, title);
        base.PhaseStarted(name, title);
    }

    public override void PhaseEnded(string name, string title, TimeSpan took, string? summary)
    {
        metrics.PhaseEnded();
        trace.PhaseEnded(summary);
        base.PhaseEnded(name, title, took, summary);
    }

    public override void Advance(TableName table, long bytes)
    {
        metrics.Advanced(bytes);
        base.Advance(table, bytes);
    }

    public override void PartDone(TableName table, long rows)
    {
        metrics.Copied(rows);
        base.PartDone(table, rows);
    }

    public override void Paused(double milliseconds, IReadOnlyDictionary<string, double> parts)
    {
        metrics.Paused(milliseconds);
        trace.Paused(milliseconds);
        base.Paused(milliseconds, parts);
    }

    public override void Waits(string? why)
    {
        metrics.Waits(why is not null);
        base.Waits(why);
    }

    public override void Streams((long Lag, long Held)? slot)
    {
        metrics.Streams(slot);
        base.Streams(slot);
    }

    public override void Measured(ProgressState now)
    {
        metrics.Measured(now);
        base.Measured(now);
    }
}
