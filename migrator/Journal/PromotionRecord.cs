using Migrator.Model;

namespace Migrator.Journal;

/// <summary>One promotion as recorded in the journal.</summary>
/// <param name="Run">
/// The number of processes that have worked on the promotion; the newest owns the isolated database.
/// </param>
/// <param name="PauseMilliseconds">From the closing of the guard to the flip.</param>
public sealed record PromotionRecord(
    long Id,
    string TenantKey,
    string TenantSlug,
    string Mode,
    string State,
    Target Target,
    long Run,
    DateTime StartedAt,
    DateTime? EndedAt,
    double? PauseMilliseconds,
    string? Error,
    IReadOnlyList<PhaseRecord> Phases
)
{
    /// <summary>The isolated database takes the tenant's writes.</summary>
    public bool IsFlipped => State is PromotionState.Isolated or PromotionState.RollingBack or PromotionState.Finalized;

    /// <summary>Tables that are copied again after DDL, each with a snapshot that shows what was written before the DDL.</summary>
    public IReadOnlyDictionary<string, string> Recopied =>
        Phase(PhaseName.Preflight) is { } phase && PhaseData.Read<RecopiedFacts>(phase.Facts)?.Recopied is { } recopied
            ? recopied
            : new Dictionary<string, string>();

    public bool IsDone(string phase) => Phase(phase)?.EndedAt is not null;

    /// <summary>The promotion's progress as one value: every decision about a promotion is a switch over it.</summary>
    public PromotionStage Stage =>
        (State, EndedAt, Phase(PhaseName.FlipBack)?.EndedAt) switch
        {
            (PromotionState.RollingBack, _, null) => PromotionStage.RollingBack,
            (_, null, not null) => PromotionStage.FlippedBack,
            (PromotionState.Shared, not null, _) => PromotionStage.RolledBack,
            (PromotionState.Finalized, _, _) => PromotionStage.Finalized,
            (PromotionState.Isolated, _, _) => PromotionStage.Isolated,
            _ => PromotionStage.BeforeCutover,
        };

    /// <summary>
    /// A rollback has begun since the flip, and may have written shared rows that the journal has not recorded; finalize
    /// records them.
    /// </summary>
    public bool HasRollbackWritten =>
        Phase(PhaseName.VerifyFlip)?.EndedAt is null
        && Phase(PhaseName.CutOver) is { } cutover
        && PhaseData.Read<RollbackFacts>(cutover.Facts) is { RollbackBegan: true };

    /// <summary>The shared rows were those that the journal has recorded when a run has looked last.</summary>
    public bool IsVouchedFor => IsOnline ? Phase(PhaseName.VerifyFlip)?.EndedAt is not null : !HasRollbackWritten;

    public bool IsOnline => Mode == PromotionOptions.Online;

    public PhaseRecord? Phase(string name) => Phases.FirstOrDefault(phase => phase.Name == name);
}
