namespace Migrator.Progress;

/// <summary>A rate as a weighted mean over about so long, like a system's load: what is older counts less.</summary>
sealed class Rate(TimeSpan over)
{
    double sum;
    double weight;

    /// <summary>Per second; null before anything was measured.</summary>
    public double? PerSecond => weight > 0 ? Math.Round(sum / weight, 1) : null;

    public void Add(double done, double seconds)
    {
        var kept = Math.Exp(-seconds / over.TotalSeconds);
        sum = sum * kept + done / seconds * (1 - kept);
        weight = weight * kept + 1 - kept;
    }
}
