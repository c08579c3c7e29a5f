using Migrator.Model;
using Migrator.Progress;

namespace Migrator.Terminal;

/// <summary>Passes everything on, sentences with complete commands.</summary>
sealed class AdvisingProgress(IPromotionProgress shown, Advice advice) : IPromotionProgress
{
    public void PhaseStarted(string name, string title) => shown.PhaseStarted(name, title);

    public void PhaseEnded(string name, string title, TimeSpan took, string? summary) =>
        shown.PhaseEnded(name, title, took, summary);

    public void PhaseKept(string name, string title) => shown.PhaseKept(name, title);

    public void TablesPlanned(IReadOnlyList<(TableName Table, long Rows, long Bytes)> tables) =>
        shown.TablesPlanned(tables);

    public void Validated(IReadOnlyList<Check> checks) => shown.Validated(checks);

    public void Warn(string sentence) => shown.Warn(advice.In(sentence));

    public void Info(string sentence) => shown.Info(advice.In(sentence));

    public void Advance(TableName table, long bytes) => shown.Advance(table, bytes);

    public void PartDone(TableName table, long rows) => shown.PartDone(table, rows);

    public void Paused(double milliseconds, IReadOnlyDictionary<string, double> parts) =>
        shown.Paused(milliseconds, parts);
}
