using Migrator.Journal;
using Migrator.Model;

namespace Migrator.Reporting;

/// <summary>The part of <see cref="StatusDocument"/> that is about a promotion.</summary>
/// <param name="Phase">The phase under way, or the last one.</param>
/// <param name="Tables">Tables with a recorded digest; while the copy runs, tables that are copied so far.</param>
/// <param name="Rows">Rows that were copied so far.</param>
/// <param name="Bytes">Bytes that were copied so far; null before the copy begins.</param>
/// <param name="PauseMs">How long the tenant's writes were paused; null before the flip.</param>
/// <param name="Error">The message of the run that failed last.</param>
public sealed record PromotionSection(
    string State,
    string? Phase,
    string Mode,
    DateTime StartedAt,
    DateTime? EndedAt,
    Target Target,
    long Tables,
    long Rows,
    long? Bytes,
    double? PauseMs,
    string? Error,
    IReadOnlyList<PromotionSection.PhaseEntry> Phases
)
{
    /// <param name="Seconds">How long the phase took; null while it is under way or when it was interrupted.</param>
    public sealed record PhaseEntry(string Name, DateTime StartedAt, double? Seconds);

    /// <param name="record">The promotion.</param>
    /// <param name="copied">How much has been copied.</param>
    public static PromotionSection Of(PromotionRecord record, CopyStatus copied)
    {
        var current = record.Phases.LastOrDefault(phase => phase.EndedAt is null) ?? record.Phases.LastOrDefault();
        return new(
            record.State,
            current?.Name,
            record.Mode,
            record.StartedAt,
            record.EndedAt,
            record.Target,
            copied.Tables,
            copied.Rows,
            copied.Bytes,
            record.PauseMilliseconds is { } pause ? Math.Round(pause, 1) : null,
            record.Error,
            [.. record.Phases.Select(phase => new PhaseEntry(phase.Name, phase.StartedAt, SecondsOf(phase)))]
        );
    }

    static double? SecondsOf(PhaseRecord phase) =>
        phase.EndedAt is { } ended ? Math.Round((ended - phase.StartedAt).TotalSeconds, 3) : null;
}
