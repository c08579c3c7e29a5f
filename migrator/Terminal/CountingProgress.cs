using System.Globalization;
using Migrator.Model;
using Migrator.Progress;

namespace Migrator.Terminal;

/// <summary>What all displays count: rows and bytes of each table.</summary>
abstract class CountingProgress : IPromotionProgress
{
    readonly Dictionary<TableName, (long Rows, long Bytes)> counts = [];

    protected Lock Gate { get; } = new();

    public void Advance(TableName table, long bytes)
    {
        lock (Gate)
        {
            var (rows, before) = counts.GetValueOrDefault(table);
            counts[table] = (rows, before + bytes);
            OnAdvance(table, bytes);
        }
    }

    public void PartDone(TableName table, long rows)
    {
        lock (Gate)
        {
            var (before, bytes) = counts.GetValueOrDefault(table);
            counts[table] = (before + rows, bytes);
            OnPartDone(table, before + rows, bytes);
        }
    }

    public abstract void PhaseStarted(string name, string title);
    public abstract void PhaseEnded(string name, string title, TimeSpan took, string? summary);
    public abstract void PhaseKept(string name, string title);
    public abstract void TablesPlanned(IReadOnlyList<(TableName Table, long Rows, long Bytes)> tables);
    public abstract void Validated(IReadOnlyList<Check> checks);
    public abstract void Warn(string sentence);
    public abstract void Info(string sentence);

    public virtual void Progressed(ProgressState now) { }

    protected abstract void OnAdvance(TableName table, long bytes);
    protected abstract void OnPartDone(TableName table, long rows, long bytes);

    protected static string Seconds(TimeSpan took) =>
        took.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture) + " s";
}
