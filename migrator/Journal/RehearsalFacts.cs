namespace Migrator.Journal;

/// <summary>One rehearsed pause.</summary>
/// <param name="Ms">From the closing of the guard to its opening, by the server's clock.</param>
/// <param name="Parts">Milliseconds by part; parts may have run side by side.</param>
public sealed record RehearsedPause(double Ms, IReadOnlyDictionary<string, double> Parts);

/// <summary>A phase of a rehearsal, and how long it took.</summary>
public sealed record RehearsedPhase(string Name, double Seconds);

/// <summary>What a rehearsal has measured. The property names are in users' journals and do not change.</summary>
/// <param name="Phases">How long each phase took, in their order.</param>
/// <param name="Rows">Rows that were copied, as are bytes.</param>
/// <param name="IsolatedBytes">The size of the isolated database.</param>
/// <param name="WalHeldBytes">The most WAL that the slot has kept while pauses were rehearsed.</param>
public sealed record RehearsalFacts(
    DateTime At,
    IReadOnlyList<RehearsedPause> Pauses,
    IReadOnlyList<RehearsedPhase> Phases,
    long Rows,
    long Bytes,
    long IsolatedBytes,
    long WalHeldBytes
)
{
    internal double ShortestMs => Percentile(0);

    internal double MedianMs => Percentile(0.5);

    internal double NinetiethMs => Percentile(0.9);

    internal double LongestMs => Percentile(1);

    double Percentile(double share)
    {
        var sorted = Pauses.Select(pause => pause.Ms).Order().ToArray();
        return sorted[(int)Math.Round(share * (sorted.Length - 1))];
    }
}

/// <summary>What the journal keeps of a rehearsal beside its promotion's first phase.</summary>
/// <param name="Rehearsal">Null before the rehearsal has come to its end.</param>
/// <param name="IsRehearsal">The promotion is to be undone by the rehearsal that has begun it.</param>
public sealed record RehearsedFacts(RehearsalFacts? Rehearsal = null, bool IsRehearsal = false);
