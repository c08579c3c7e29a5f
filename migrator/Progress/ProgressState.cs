using Migrator.Model;

namespace Migrator.Progress;

/// <summary>How far the phase that runs is, or one table of it.</summary>
/// <param name="Table">Empty for the phase as a whole.</param>
/// <param name="Since">When the phase began, in this run.</param>
/// <param name="Unit">See <see cref="ProgressUnit"/>; null in a phase that counts nothing.</param>
/// <param name="Total">Of about so much; null where nothing tells.</param>
/// <param name="MinuteRate">How much a second, over about a minute; null in the first seconds.</param>
/// <param name="TenMinuteRate">The same over about ten minutes.</param>
/// <param name="WaitsFor">Why the phase stands still on purpose; null while it works, and for a table.</param>
public sealed record ProgressState(
    string Phase,
    string Table,
    DateTime Since,
    string? Unit,
    long Done,
    long? Total,
    double? MinuteRate,
    double? TenMinuteRate,
    string? WaitsFor
)
{
    // Totals are estimates.
    const double Uncertainty = 0.1;

    /// <summary>Seconds that are left at the better and at the worse of both rates; null where nothing tells.</summary>
    public (double From, double To)? Left =>
        WaitsFor is null && Total - Done is { } left and > 0 && MinuteRate > 0 && TenMinuteRate > 0
            ? (
                Math.Round(left / Math.Max(MinuteRate.Value, TenMinuteRate.Value) * (1 - Uncertainty), 1),
                Math.Round(left / Math.Min(MinuteRate.Value, TenMinuteRate.Value) * (1 + Uncertainty), 1)
            )
            : null;
}
