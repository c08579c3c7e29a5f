using System.Globalization;
using System.Text.RegularExpressions;

namespace Migrator.Model;

/// <summary>Durations as users type them: <c>500ms</c>, <c>30s</c>, <c>2m</c>.</summary>
public static partial class Duration
{
    public static bool TryParse(string text, out TimeSpan duration)
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
            _ => TimeSpan.FromSeconds(number),
        };
        return duration > TimeSpan.Zero && duration <= TimeSpan.FromHours(1);
    }

    [GeneratedRegex(@"\A(\d{1,6}(?:\.\d{1,3})?)(ms|s|m)\z")]
    private static partial Regex Syntax();
}
