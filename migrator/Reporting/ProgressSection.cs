using Migrator.Progress;

namespace Migrator.Reporting;

/// <summary>The part of <see cref="StatusDocument"/> that says how far the run at work is in its phase.</summary>
/// <param name="Since">When the phase began.</param>
/// <param name="SeenAt">When the run said this.</param>
/// <param name="Unit">What is counted; null in a phase that counts nothing.</param>
/// <param name="Total">An estimate; null where nothing tells.</param>
/// <param name="MinuteRate">How much a second, over about a minute; null in the first seconds.</param>
/// <param name="EtaFromSeconds">How long the phase still takes, at best; null where nothing tells.</param>
/// <param name="WaitsFor">Why the run stands still on purpose; null while it works.</param>
public sealed record ProgressSection(
    string Phase,
    DateTime Since,
    DateTime SeenAt,
    string? Unit,
    long Done,
    long? Total,
    double? MinuteRate,
    double? TenMinuteRate,
    double? EtaFromSeconds,
    double? EtaToSeconds,
    string? WaitsFor,
    IReadOnlyList<ProgressSection.TableEntry> Tables
)
{
    /// <summary>How far one table is.</summary>
    public sealed record TableEntry(string Table, long Done, long? Total, double? MinuteRate, double? TenMinuteRate);

    /// <summary>Null for a phase that the promotion has left behind.</summary>
    public static ProgressSection? Of(IReadOnlyList<(ProgressState State, DateTime SeenAt)> rows, string? phase)
    {
        if (rows is not [({ Table: "" } whole, var seenAt), ..] || whole.Phase != phase)
            return null;
        var left = whole.Left;
        return new(
            whole.Phase,
            whole.Since,
            seenAt,
            whole.Unit,
            whole.Done,
            whole.Total,
            whole.MinuteRate,
            whole.TenMinuteRate,
            left?.From,
            left?.To,
            whole.WaitsFor,
            [
                .. rows.Skip(1)
                    .Select(row => new TableEntry(
                        row.State.Table,
                        row.State.Done,
                        row.State.Total,
                        row.State.MinuteRate,
                        row.State.TenMinuteRate
                    )),
            ]
        );
    }
}
