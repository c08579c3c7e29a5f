using System.Globalization;
using System.Text.RegularExpressions;

namespace Migrator.Model;

/// <summary>
/// Hours of the week in which a cutover may begin, as users type them: <c>Sat,Sun 02:00-04:00 Europe/Berlin</c>. Hours
/// that end before they begin end on the next day.
/// </summary>
/// <param name="Text">What was typed.</param>
public sealed partial record CutoverWindow(
    string Text,
    IReadOnlySet<DayOfWeek> Days,
    TimeOnly From,
    TimeOnly To,
    TimeZoneInfo Zone
)
{
    static readonly string[] Names = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

    /// <param name="text">What was typed.</param>
    /// <param name="window">The window; null if the text is none.</param>
    /// <param name="fault">What is wrong with the text.</param>
    public static bool TryParse(string text, out CutoverWindow? window, out string fault)
    {
        (window, fault) = (null, "it is not of the form 'Sat,Sun 02:00-04:00 Europe/Berlin'");
        if (Syntax().Match(text.Trim()) is not { Success: true } match)
            return false;
        if (
            !TimeOnly.TryParseExact(match.Groups["from"].Value, "HH:mm", CultureInfo.InvariantCulture, 0, out var from)
            || !TimeOnly.TryParseExact(match.Groups["to"].Value, "HH:mm", CultureInfo.InvariantCulture, 0, out var to)
        )
            return false;
        if (DaysOf(match.Groups["days"].Value) is not { } days)
        {
            fault = $"'{match.Groups["days"].Value}' are no days of the week (Mon, Tue, …, Mon-Fri)";
            return false;
        }
        if (!TimeZoneInfo.TryFindSystemTimeZoneById(match.Groups["zone"].Value, out var zone))
        {
            fault = $"this machine knows no time zone '{match.Groups["zone"].Value}'";
            return false;
        }
        if (from == to)
        {
            fault = "it never opens, because it ends when it begins";
            return false;
        }
        window = new(text.Trim(), days, from, to, zone);
        return true;
    }

    /// <summary>When the window that is open at a moment closes; null when none is open.</summary>
    public DateTimeOffset? EndAt(DateTimeOffset now) =>
        Openings(now)
            .Where(opening => opening.From <= now && now < opening.To)
            .Max(opening => (DateTimeOffset?)opening.To);

    /// <summary>The next opening that is not over yet.</summary>
    public DateTimeOffset NextOpening(DateTimeOffset now) =>
        Openings(now).Where(opening => opening.To > now).Min(opening => opening.From);

    public override string ToString() => Text;

    // Two weeks: an opening may fall into the hour that a clock skips.
    IEnumerable<(DateTimeOffset From, DateTimeOffset To)> Openings(DateTimeOffset now)
    {
        var today = DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(now, Zone).DateTime);
        return Enumerable
            .Range(-1, 16)
            .Select(today.AddDays)
            .Where(day => Days.Contains(day.DayOfWeek))
            .Select(day => (Moment(day, From), Moment(To > From ? day : day.AddDays(1), To)))
            .Where(opening => opening.Item1 < opening.Item2);
    }

    // A time that the clock skips is the moment at which it goes on; of a time that comes twice, the second.
    DateTimeOffset Moment(DateOnly day, TimeOnly time)
    {
        var local = day.ToDateTime(time);
        while (Zone.IsInvalidTime(local))
            local = local.AddMinutes(1);
        return new DateTimeOffset(local, Zone.GetUtcOffset(local)).ToUniversalTime();
    }

    static HashSet<DayOfWeek>? DaysOf(string text)
    {
        var days = new HashSet<DayOfWeek>();
        foreach (var part in text.Split(','))
        {
            var ends = part.Split('-').Select(NumberOf).ToArray();
            if (ends.Length > 2 || ends.Contains(-1))
                return null;
            for (var day = ends[0]; ; day = (day + 1) % 7)
            {
                days.Add((DayOfWeek)day);
                if (day == ends[^1])
                    break;
            }
        }
        return days;
    }

    static int NumberOf(string name) =>
        Array.FindIndex(Names, known => known.Equals(name, StringComparison.OrdinalIgnoreCase));

    [GeneratedRegex(@"\A(?<days>[A-Za-z,-]+) (?<from>\d\d:\d\d)-(?<to>\d\d:\d\d) (?<zone>[A-Za-z0-9_+/-]+)\z")]
    private static partial Regex Syntax();
}
