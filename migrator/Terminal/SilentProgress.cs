using Migrator.Model;
using Migrator.Progress;

namespace Migrator.Terminal;

/// <summary>For whoever shows the result only.</summary>
public sealed class SilentProgress : IPromotionProgress
{
    public void PhaseStarted(string name, string title) { }

    public void PhaseEnded(string name, string title, TimeSpan took, string? summary) { }

    public void PhaseKept(string name, string title) { }

    public void TablesPlanned(IReadOnlyList<(TableName Table, long Rows, long Bytes)> tables) { }

    public void Validated(IReadOnlyList<Check> checks) { }

    public void Warn(string sentence) { }

    public void Info(string sentence) { }

    public void Advance(TableName table, long bytes) { }

    public void PartDone(TableName table, long rows) { }
}
