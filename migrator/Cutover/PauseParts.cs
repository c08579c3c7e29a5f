using Migrator.Progress;

namespace Migrator.Cutover;

/// <summary>Where the milliseconds of a pause go. Parts may run side by side.</summary>
public sealed class PauseParts(TimeProvider clock)
{
    /// <summary>Waiting for the transactions that have written for the tenant.</summary>
    public const string Close = "close";

    /// <summary>Waiting until the last change has arrived.</summary>
    public const string Changes = "changes";

    /// <summary>Ending the stream.</summary>
    public const string End = "end";

    /// <summary>Whether schema and guard are as they were.</summary>
    public const string Looks = "looks";

    /// <summary>Comparing the rows that changed since the last comparison.</summary>
    public const string Compare = "compare";

    public const string Sequences = "sequences";

    /// <summary>Rows of tables without a key.</summary>
    public const string Keyless = "keyless";

    /// <summary>Rewrite rules that are created behind the last change.</summary>
    public const string Rules = "rules";

    /// <summary>The other database's own record of the tenant.</summary>
    public const string Mark = "mark";

    /// <summary>The commit that moves the tenant.</summary>
    public const string Flip = "flip";

    // A pause goes this way; what runs side by side stands as it begins.
    static readonly string[] Order = [Close, Changes, End, Looks, Compare, Sequences, Keyless, Rules, Mark, Flip];

    const int Shown = 3;

    readonly Dictionary<string, double> parts = [];

    /// <summary>Milliseconds by part, in the order in which the parts ended.</summary>
    public IReadOnlyDictionary<string, double> Milliseconds
    {
        get
        {
            lock (parts)
                return new Dictionary<string, double>(parts);
        }
    }

    /// <summary>Parts as the journal has them, which keeps no order.</summary>
    public static IEnumerable<KeyValuePair<string, double>> InOrder(IEnumerable<KeyValuePair<string, double>> parts) =>
        parts.OrderBy(part => Array.IndexOf(Order, part.Key));

    public async Task<T> MeasureAsync<T>(string part, Func<Task<T>> work)
    {
        var began = clock.GetTimestamp();
        try
        {
            return await work();
        }
        finally
        {
            lock (parts)
                parts[part] = Math.Round(clock.GetElapsedTime(began).TotalMilliseconds, 1);
        }
    }

    public Task MeasureAsync(string part, Func<Task> work) =>
        MeasureAsync(
            part,
            async () =>
            {
                await work();
                return true;
            }
        );

    /// <summary>Reports the pause; returns it in a few words, with the parts that took longest.</summary>
    public string Report(IPromotionProgress progress, double pause)
    {
        progress.Paused(pause, Milliseconds);
        var longest = Milliseconds.OrderByDescending(part => part.Value).Take(Shown);
        return $"pause {pause:N0} ms ({string.Join(", ", longest.Select(part => $"{part.Key} {part.Value:N0}"))})";
    }
}
