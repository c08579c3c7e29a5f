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

    /// <summary>The run works on this promotion, as it stands in the journal of that database.</summary>
    void Begun(DatabaseIdentity journal, long promotion, string mode) { }

    /// <summary>The tenant's writes were paused for so long, by a move or by its rehearsal.</summary>
    /// <param name="milliseconds">By the migrator's clock or the server's.</param>
    /// <param name="parts">Milliseconds of each part; parts may have run side by side.</param>
    void Paused(double milliseconds, IReadOnlyDictionary<string, double> parts) { }

    /// <summary>The phase that runs has come so far, where it does not copy.</summary>
    /// <param name="table">Empty for the phase as a whole, where its tables do not add up to that.</param>
    /// <param name="unit">See <see cref="ProgressUnit"/>.</param>
    /// <param name="total">Of about so much; null where nothing tells.</param>
    void Reached(string table, string unit, long done, long? total) { }

    /// <summary>The phase that runs stands still on purpose.</summary>
    /// <param name="why">Null when it goes on.</param>
    void Waits(string? why) { }

    /// <summary>What the slot of the stream into the isolated database keeps: said every other second.</summary>
    /// <param name="slot">
    /// Bytes of the shared server's log that are not applied yet, and bytes that it cannot remove; null without a slot.
    /// </param>
    void Streams((long Lag, long Held)? slot) { }

    /// <summary>How far the phase that runs is: measured each second.</summary>
    void Measured(ProgressState now) { }

    /// <summary>How far the phase that runs is: said from time to time.</summary>
    void Progressed(ProgressState now) { }
}
