namespace Bench;

/// <summary>What a promotion took, by its own journal; memory by the operating system.</summary>
sealed record PromotionTimes(
    IReadOnlyList<(string Name, double Seconds)> Phases,
    double Seconds,
    long Rows,
    double PeakMegabytes
)
{
    public double Of(params string[] names) =>
        Phases.Where(phase => names.Contains(phase.Name)).Sum(phase => phase.Seconds);
}
