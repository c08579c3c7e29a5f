using Migrator.Model;

namespace Migrator.Progress;

/// <summary>Hears what a promotion does, as it does it. One of these draws bars, one writes lines, one writes JSON.</summary>
public interface IPromotionProgress : ICopyProgress
{
    void PhaseStarted(string name, string title);

    void PhaseEnded(string name, string title, TimeSpan took, string? summary);

    /// <summary>An earlier run has done it.</summary>
    void PhaseKept(string name, string title);

    /// <param name="tables">Tables about to be copied, with the planner's estimates of the tenant's share.</param>
    void TablesPlanned(IReadOnlyList<(TableName Table, long Rows, long Bytes)> tables);

    void Validated(IReadOnlyList<Check> checks);

    void Warn(string sentence);

    void Info(string sentence);
}
