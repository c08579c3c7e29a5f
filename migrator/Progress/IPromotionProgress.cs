using Migrator.Model;

namespace Migrator.Progress;

/// <summary>
/// Receives the progress of a promotion. One implementation draws bars, one writes lines, one writes JSON.
/// </summary>
public interface IPromotionProgress : ICopyProgress
{
    void PhaseStarted(string name, string title);

    void PhaseEnded(string name, string title, TimeSpan took, string? summary);

    /// <summary>An earlier run has completed the phase.</summary>
    void PhaseKept(string name, string title);

    /// <param name="tables">The tables to copy, with the planner's estimates of the tenant's rows.</param>
    void TablesPlanned(IReadOnlyList<(TableName Table, long Rows, long Bytes)> tables);

    void Validated(IReadOnlyList<Check> checks);

    void Warn(string sentence);

    void Info(string sentence);

    /// <summary>The tenant has moved; its writes were paused for so long.</summary>
    /// <param name="milliseconds">By the migrator's clock or the server's.</param>
    /// <param name="parts">Milliseconds of each part; parts may have run side by side.</param>
    void Paused(double milliseconds, IReadOnlyDictionary<string, double> parts) { }
}
