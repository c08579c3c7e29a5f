namespace Bench;

/// <summary>Median, 95th percentile and maximum.</summary>
readonly record struct Percentiles(double Median, double P95, double Max)
{
    public static Percentiles Of(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return new(sorted[sorted.Length / 2], sorted[sorted.Length * 95 / 100], sorted[^1]);
    }
}
