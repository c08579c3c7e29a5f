using System.Globalization;
using System.Text.RegularExpressions;

namespace Migrator.Model;

/// <summary>Durations as users type them: <c>500ms</c>, <c>30s</c>, <c>2m</c>, <c>8h</c>, <c>3d</c>.</summary>
public static partial class Duration
{
    /// <summary>Reads a duration of at most an hour.</summary>
    public static bool TryParse(string text, out TimeSpan duration) =>
        TryParse(text, TimeSpan.FromHours(1), out duration);

    public static bool TryParse(string text, TimeSpan longest, out TimeSpan duration)
    {
        duration = default;
        if (
            Syntax().Match(text) is not { Success: true } match
            || !double.TryParse(match.Groups[1].Value, CultureInfo.InvariantCulture, out var number)
        )
            return false;
        duration = match.Groups[2].Value switch
        {
            "ms" => TimeSpan.FromMilliseconds(number),
            "m" => TimeSpan.FromMinutes(number),
            "h" => TimeSpan.FromHours(number),
            "d" => TimeSpan.FromDays(number),
            _ => TimeSpan.FromSeconds(number),
        };
        return duration > TimeSpan.Zero && duration <= longest;
    }

    [GeneratedRegex(@"\A(\d{1,6}(?:\.\d{1,3})?)(ms|s|m|h|d)\z")]
    private static partial Regex Syntax();
}
