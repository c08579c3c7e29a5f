using System.Globalization;
using System.Text.RegularExpressions;

namespace Migrator.Model;

/// <summary>
/// Sizes as users type and read them: <c>500kB</c>, <c>20MB</c>, <c>1.5GB</c>; powers of ten, as on a data
/// sheet.
/// </summary>
public static partial class ByteSize
{
    static readonly (string Unit, double Bytes)[] Units = [("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)];

    /// <summary>Reads a size; a plain <c>0</c> stands for "off" where an option allows that.</summary>
    public static bool TryParse(string text, out long bytes)
    {
        bytes = 0;
        if (text == "0")
            return true;
        if (
            Syntax().Match(text) is not { Success: true } match
            || !double.TryParse(match.Groups[1].Value, CultureInfo.InvariantCulture, out var number)
        )
            return false;
        var unit = match.Groups[2].Value;
        bytes = (long)(
            number
            * Units.FirstOrDefault(known => known.Unit.Equals(unit, StringComparison.OrdinalIgnoreCase), ("B", 1)).Item2
        );
        return bytes > 0;
    }

    public static string Show(long bytes)
    {
        var (unit, factor) = Units.FirstOrDefault(known => Math.Abs(bytes) >= known.Bytes, ("B", 1));
        return string.Create(CultureInfo.InvariantCulture, $"{bytes / factor:0.#} {unit}");
    }

    [GeneratedRegex(@"\A(\d{1,6}(?:\.\d{1,3})?)([kKmMgGtT]?[bB])\z")]
    private static partial Regex Syntax();
}
