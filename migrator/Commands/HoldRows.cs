using Migrator.Model;
using Migrator.Reporting;
using Migrator.Terminal;

namespace Migrator.Commands;

/// <summary>The lines of <c>status</c> about a hold before the cutover.</summary>
static class HoldRows
{
    public static IEnumerable<(string Name, string Text)> Of(HoldSection hold)
    {
        yield return ("hold", $"{State(hold)}{Ends(hold)}");
        if (hold.PauseFromMs is { } from && hold.PauseToMs is { } to)
            yield return ("forecast", $"a pause of {from:0} to {to:0} ms; changes arrive after {hold.LagMs:0} ms");
        if (hold.VerifiedAt is { } verified)
            yield return ("verified", $"{Time(verified)}, {hold.TouchedRows:N0} rows changed since");
        foreach (var who in hold.WaitsFor)
            yield return ("waits for", who);
        if (hold is { FailedAt: { } failed, Failure: { } failure })
            yield return ("last attempt", $"{Time(failed)}: {failure}");
        if (hold.LogLeftSeconds is { } left)
            yield return ("log", $"kept for about {Length(TimeSpan.FromSeconds(left))} more at the present rate");
    }

    static string State(HoldSection hold) =>
        hold switch
        {
            { Since: null } => "when everything is copied and verified",
            { GoAt: { } go } => $"let go by {hold.GoBy} at {Time(go)}",
            { NextOpening: { } opening } => $"since {Time(hold.Since.Value)}, cutover from {Time(opening)} on",
            { CutoverAt: { } missed } => $"since {Time(hold.Since.Value)}; the cutover at {Time(missed)} was missed",
            _ => $"since {Time(hold.Since.Value)}, until 'cutover' lets it go",
        };

    static string Ends(HoldSection hold) =>
        hold.Until is { } until
            ? $"; at {Time(until)} {(hold.Expires == HoldOptions.Cutover ? "it cuts over" : "it is given up")}"
            : "";

    static string Time(DateTime time) => TimeConverter.Show(time);

    static string Length(TimeSpan time) =>
        time.TotalHours >= 48 ? $"{time.TotalDays:0} days"
        : time.TotalMinutes >= 120 ? $"{time.TotalHours:0} hours"
        : $"{time.TotalMinutes:0} minutes";
}
