using System.Globalization;
using Migrator.Model;

namespace Migrator.Messages;

/// <summary>How far a phase is, in a few words.</summary>
static class ProgressMessages
{
    /// <param name="left">Seconds, at best and at worst; null where nothing tells.</param>
    public static string Of(string unit, long done, long? total, (double From, double To)? left)
    {
        var (isSize, of) = unit switch
        {
            ProgressUnit.Bytes => (true, ""),
            ProgressUnit.IndexBytes => (true, " indexed"),
            ProgressUnit.WalBytes => (true, " of WAL"),
            _ => (false, " " + unit),
        };
        string Show(long count) => isSize ? ByteSize.Show(count) : count.ToString("N0", CultureInfo.InvariantCulture);
        var share = total is { } all ? $"{Show(done)} of about {Show(all)}{of}" : $"{Show(done)}{of}";
        return left is { } seconds ? $"{share}, {Range(seconds.From, seconds.To)} left" : share;
    }

    /// <summary>As in 3 to 5 min.</summary>
    static string Range(double from, double to)
    {
        var (unit, seconds) =
            to >= 2 * 3600 ? ("h", 3600)
            : to >= 120 ? ("min", 60)
            : ("s", 1);
        return string.Create(CultureInfo.InvariantCulture, $"{from / seconds:0.#} to {to / seconds:0.#} {unit}");
    }
}
