namespace Migrator.Model;

/// <summary>The user's options for a promotion.</summary>
/// <param name="Jobs">Workers that copy, build and compare in parallel.</param>
/// <param name="MaxPause">
/// Online: how long a cutover may take before the guard opens again. Fenced: how long the tenant's writes may
/// wait while the guard closes.
/// </param>
public sealed record PromotionOptions(
    string Mode,
    int Jobs,
    TimeSpan MaxPause,
    bool Validate,
    IReadOnlyList<Uri> HealthUrls
)
{
    /// <summary>
    /// The tenant keeps working while a change stream keeps the copy up to date; its writes pause for the
    /// cutover only.
    /// </summary>
    public const string Online = "online";

    /// <summary>The tenant's writes pause while its rows are copied.</summary>
    public const string Fenced = "fenced";

    /// <summary>For verbs that move nothing.</summary>
    public static PromotionOptions WithoutMove { get; } =
        new(Fenced, Jobs: 1, TimeSpan.FromSeconds(30), Validate: false, []);

    /// <summary>The copy's limit in bytes per second; 0 for no limit (default).</summary>
    public long MaxRate { get; init; }

    /// <summary>
    /// The run waits while a standby of the shared server lags by more than this number of bytes; 0 disables
    /// the limit. Null for the mode's default.
    /// </summary>
    public long? MaxReplicaLag { get; init; }

    /// <summary>
    /// The run waits while more than this number of other sessions run statements on the shared server; 0
    /// disables the limit (default).
    /// </summary>
    public int MaxActiveSessions { get; init; }

    /// <summary>
    /// The run waits while this query of the shared database returns anything but 0, false and null; null for none.
    /// </summary>
    public string? ThrottleQuery { get; init; }

    /// <summary>Online: writes that meet the pause fail at once, instead of waiting for its end.</summary>
    public bool RefusesDuringPause { get; init; }

    /// <summary>
    /// Online: the pause ends when more than this number of sessions wait for its end; 0 disables the limit (default).
    /// </summary>
    public int MaxWaiting { get; init; }

    /// <summary>Online: how many bytes of WAL the slot may hold on the shared server.</summary>
    public long MaxWal { get; init; } = DefaultMaxWal;

    /// <summary>Online: how long a comparison may hold a snapshot of the shared server.</summary>
    public TimeSpan MaxSnapshot { get; init; } = DefaultMaxSnapshot;

    /// <summary>Online: a table of more rows is compared in ranges of about so many.</summary>
    public long RowsPerRange { get; init; } = 1_000_000;

    /// <summary>Online: hold before the cutover; null where nothing was said of that.</summary>
    public HoldOptions? Hold { get; init; }

    /// <summary>Online: everything but the flip, and then, unless the promotion holds, all undone.</summary>
    public bool Rehearses { get; init; }

    /// <summary>Who lets a held tenant go with this run; null for a run that may hold.</summary>
    public string? LetGoBy { get; init; }

    public const long DefaultMaxWal = 10_000_000_000;

    public static readonly TimeSpan DefaultMaxSnapshot = TimeSpan.FromMinutes(5);
}
