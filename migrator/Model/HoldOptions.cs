namespace Migrator.Model;

/// <summary>What was asked of a promotion that holds before its cutover.</summary>
/// <param name="At">When to cut over; null for no time of its own.</param>
/// <param name="Window">In which hours to cut over; null for none.</param>
/// <param name="For">How long to hold at most; null without end.</param>
/// <param name="Expires">What happens then: <see cref="Release"/> or <see cref="Cutover"/>.</param>
/// <param name="Detach">The process ends when the tenant is held. The slot keeps the changes until the cutover.</param>
public sealed record HoldOptions(
    DateTimeOffset? At = null,
    CutoverWindow? Window = null,
    TimeSpan? For = null,
    string Expires = HoldOptions.Release,
    bool Detach = false
)
{
    /// <summary>The change stream is given up; the tenant stays where it is.</summary>
    public const string Release = "release";

    /// <summary>The tenant is cut over.</summary>
    public const string Cutover = "cutover";

    /// <summary>A cutover that was to begin earlier than this has been missed.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromMinutes(15);
}
