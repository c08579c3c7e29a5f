namespace Migrator.Model;

/// <summary>What the user asked of a promotion.</summary>
/// <param name="Jobs">Workers that copy, build and compare side by side.</param>
/// <param name="MaxPause">Online: how long a cutover may take before the guard opens again. Fenced: how long the tenant's writers may queue while the guard closes.</param>
public sealed record PromotionOptions(
    string Mode,
    int Jobs,
    TimeSpan MaxPause,
    bool Validate,
    IReadOnlyList<Uri> HealthUrls
)
{
    /// <summary>The tenant works on while a change stream keeps the copy up to date; its writes pause for the cutover alone.</summary>
    public const string Online = "online";

    /// <summary>The tenant's writes pause while its rows are copied.</summary>
    public const string Fenced = "fenced";

    /// <summary>Bytes a second that the copy may take; 0 for no limit (default).</summary>
    public long MaxRate { get; init; }

    /// <summary>The copy waits while a standby of the shared server is further behind than so many bytes; 0 for never. Null for what fits the mode.</summary>
    public long? MaxReplicaLag { get; init; }

    /// <summary>The copy waits while more sessions than that, other than ours, run statements on the shared server; 0 for never (default).</summary>
    public int MaxActiveSessions { get; init; }

    /// <summary>Online: how many bytes of write-ahead log the slot may hold on the shared server.</summary>
    public long MaxWal { get; init; } = DefaultMaxWal;

    public const long DefaultMaxWal = 10_000_000_000;
}
