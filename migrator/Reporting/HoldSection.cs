using Migrator.Journal;
using Migrator.Model;

namespace Migrator.Reporting;

/// <summary>The part of <see cref="StatusDocument"/> that is about a hold before the cutover.</summary>
/// <param name="Since">Since when the promotion holds; null before it has come that far.</param>
/// <param name="CutoverAt">When it cuts over by itself.</param>
/// <param name="CutoverWindow">In which hours it cuts over by itself.</param>
/// <param name="NextOpening">When time or window let it go next; null when only a person does.</param>
/// <param name="Until">When the hold expires.</param>
/// <param name="Expires">What happens then: <c>release</c> or <c>cutover</c>.</param>
/// <param name="GoAt">When it was let go; null while it holds.</param>
/// <param name="Failure">Why the last attempt at the cutover did not succeed.</param>
/// <param name="SeenAt">When the run that holds was alive last.</param>
/// <param name="VerifiedAt">When rows were compared last.</param>
/// <param name="TouchedRows">Rows that have changed since then, as far as the stream was followed.</param>
/// <param name="LagMs">How long a change needs into the isolated database.</param>
/// <param name="PauseFromMs">The forecast of the pause, at best; null before it was measured.</param>
/// <param name="LogLeftSeconds">
/// How long the server still keeps the log that the slot needs, at the rate since the run ended; null while a run
/// follows the stream, or without a limit.
/// </param>
public sealed record HoldSection(
    DateTime? Since,
    DateTime? CutoverAt,
    string? CutoverWindow,
    DateTime? NextOpening,
    DateTime? Until,
    string? Expires,
    DateTime? GoAt,
    string? GoBy,
    DateTime? FailedAt,
    string? Failure,
    DateTime? SeenAt,
    DateTime? VerifiedAt,
    int TouchedRows,
    double? LagMs,
    double? PauseFromMs,
    double? PauseToMs,
    IReadOnlyList<string> WaitsFor,
    double? LogLeftSeconds
)
{
    /// <param name="isFollowed">A run is at work.</param>
    public static HoldSection Of(HoldRecord hold, StreamSection? stream, bool isFollowed, DateTimeOffset now)
    {
        var at = hold.CutoverAt + HoldOptions.Grace > now.UtcDateTime ? hold.CutoverAt : null;
        var opening = at ?? hold.Window?.NextOpening(now).UtcDateTime;
        return new(
            hold.Since,
            hold.CutoverAt,
            hold.Window?.Text,
            opening < hold.NotBefore ? hold.NotBefore : opening,
            hold.Until,
            hold.Seconds is null ? null : hold.Expires,
            hold.GoAt,
            hold.GoBy,
            hold.FailedAt,
            hold.Failure,
            hold.SeenAt,
            hold.VerifiedAt,
            hold.State.Touched,
            hold.State.LagMs,
            hold.State.PauseFromMs,
            hold.State.PauseToMs,
            hold.State.WaitsFor ?? [],
            isFollowed ? null : LogLeft(hold, stream, now)
        );
    }

    static double? LogLeft(HoldRecord hold, StreamSection? stream, DateTimeOffset now) =>
        hold.SeenAt is { } seen
        && stream is { SafeWalSize: { } safe, LagBytes: > 0 and var lag }
        && (now.UtcDateTime - seen).TotalSeconds is > 1 and var away
            ? Math.Round(Math.Max(0, safe) / (lag / away))
            : null;
}
