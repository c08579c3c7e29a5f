using Migrator.Cutover;
using Migrator.Journal;

namespace Migrator.Reporting;

/// <summary>What a rehearsal has measured, in the results of promote.</summary>
/// <param name="Pauses">Each pause in milliseconds, in their order.</param>
/// <param name="PauseP90Ms">Nine in ten took no longer.</param>
/// <param name="Parts">The median of each part of the pauses, in milliseconds.</param>
/// <param name="Phases">How long each phase took.</param>
/// <param name="WalHeldBytes">The most WAL that the slot has kept while pauses were rehearsed.</param>
/// <param name="EstimatedSeconds">What all phases before the pause took together.</param>
public sealed record RehearsalSection(
    DateTime At,
    IReadOnlyList<double> Pauses,
    double PauseMinMs,
    double PauseMedianMs,
    double PauseP90Ms,
    double PauseMaxMs,
    IReadOnlyList<RehearsalSection.PartEntry> Parts,
    IReadOnlyList<RehearsalSection.PhaseEntry> Phases,
    long Rows,
    long Bytes,
    long IsolatedBytes,
    long WalHeldBytes,
    double EstimatedSeconds
)
{
    /// <summary>One part of the pauses.</summary>
    public sealed record PartEntry(string Part, double MedianMs);

    /// <summary>One phase.</summary>
    public sealed record PhaseEntry(string Name, double Seconds);

    /// <summary>The section for what the journal tells; null where nothing was rehearsed.</summary>
    public static RehearsalSection? Of(RehearsalFacts? facts) =>
        facts is null
            ? null
            : new(
                facts.At,
                [.. facts.Pauses.Select(pause => pause.Ms)],
                facts.ShortestMs,
                facts.MedianMs,
                facts.NinetiethMs,
                facts.LongestMs,
                [
                    .. PauseParts
                        .InOrder(facts.Pauses.SelectMany(pause => pause.Parts))
                        .GroupBy(part => part.Key, part => part.Value)
                        .Select(part => new PartEntry(part.Key, part.Order().ElementAt(part.Count() / 2))),
                ],
                [.. facts.Phases.Select(phase => new PhaseEntry(phase.Name, phase.Seconds))],
                facts.Rows,
                facts.Bytes,
                facts.IsolatedBytes,
                facts.WalHeldBytes,
                Math.Round(facts.Phases.Sum(phase => phase.Seconds), 1)
            );
}
