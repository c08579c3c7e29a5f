using Migrator.Model;

namespace Migrator.Progress;

/// <summary>Passes everything on, for those that change or note some of it.</summary>
public abstract class RelayedProgress(IPromotionProgress shown) : IPromotionProgress
{
    /// <inheritdoc/>
    public virtual void PhaseStarted(string name, string title) => shown.PhaseStarted(name, title);

    /// <inheritdoc/>
    public virtual void PhaseEnded(string name, string title, TimeSpan took, string? summary) =>
        shown.PhaseEnded(name, title, took, summary);

    /// <inheritdoc/>
    public void PhaseKept(string name, string title) => shown.PhaseKept(name, title);

    /// <inheritdoc/>
    public virtual void TablesPlanned(IReadOnlyList<(TableName Table, long Rows, long Bytes)> tables) =>
        shown.TablesPlanned(tables);

    /// <inheritdoc/>
    public void Validated(IReadOnlyList<Check> checks) => shown.Validated(checks);

    /// <inheritdoc/>
    public virtual void Warn(string sentence) => shown.Warn(sentence);

    /// <inheritdoc/>
    public virtual void Info(string sentence) => shown.Info(sentence);

    /// <inheritdoc/>
    public virtual void Advance(TableName table, long bytes) => shown.Advance(table, bytes);

    /// <inheritdoc/>
    public virtual void PartDone(TableName table, long rows) => shown.PartDone(table, rows);

    /// <inheritdoc/>
    public virtual void Paused(double milliseconds, IReadOnlyDictionary<string, double> parts) =>
        shown.Paused(milliseconds, parts);

    /// <inheritdoc/>
    public virtual void Reached(string table, string unit, long done, long? total) =>
        shown.Reached(table, unit, done, total);

    /// <inheritdoc/>
    public virtual void Waits(string? why) => shown.Waits(why);

    /// <inheritdoc/>
    public virtual void Begun(DatabaseIdentity journal, long promotion, string mode) =>
        shown.Begun(journal, promotion, mode);

    /// <inheritdoc/>
    public virtual void Streams((long Lag, long Held)? slot) => shown.Streams(slot);

    /// <inheritdoc/>
    public virtual void Measured(ProgressState now) => shown.Measured(now);

    /// <inheritdoc/>
    public void Progressed(ProgressState now) => shown.Progressed(now);
}
