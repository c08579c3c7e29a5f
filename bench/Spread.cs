namespace Bench;

/// <summary>Median, 95th percentile and maximum.</summary>
readonly record struct Spread(double Median, double High, double Longest)
{
    public static Spread Of(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return new(sorted[sorted.Length / 2], sorted[sorted.Length * 95 / 100], sorted[^1]);
    }
}
