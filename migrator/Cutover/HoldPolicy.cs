using Migrator.Journal;
using Migrator.Model;

namespace Migrator.Cutover;

/// <summary>What the clock says to a promotion that holds.</summary>
/// <param name="By">What lets the promotion go; null for nothing.</param>
/// <param name="Releases">The hold has expired, and the stream is to be given up.</param>
public readonly record struct HoldPolicy(string? By, bool Releases)
{
    /// <summary>After an attempt that failed, time or window let the next one begin only then.</summary>
    public static readonly TimeSpan Rest = TimeSpan.FromMinutes(5);

    public static HoldPolicy Decide(HoldRecord hold, DateTimeOffset now)
    {
        var isOver = hold.Until is { } until && until <= now.UtcDateTime;
        if (isOver && hold.Expires == HoldOptions.Release)
            return new(null, Releases: true);
        if (hold.NotBefore is { } rest && now.UtcDateTime < rest)
            return default;
        if (isOver)
            return new("--hold-for", Releases: false);
        // Long after its time, nobody expects the pause any more.
        if (hold.CutoverAt is { } at && at <= now.UtcDateTime && now.UtcDateTime < at + HoldOptions.Grace)
            return new("--cutover-at", Releases: false);
        return hold.Window?.EndAt(now) is null ? default : new("--cutover-window", Releases: false);
    }
}
