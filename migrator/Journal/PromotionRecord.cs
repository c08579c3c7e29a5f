using System.Text.Json;
using Migrator.Model;

namespace Migrator.Journal;

/// <summary>One promotion as the journal has it.</summary>
/// <param name="Run">Counts the processes that worked on it; the newest owns the isolated database.</param>
/// <param name="PauseMilliseconds">Guard closed to flip.</param>
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
    /// <summary>The tenant's writes are accepted by the isolated database.</summary>
    public bool IsFlipped => State is PromotionState.Isolated or PromotionState.RollingBack or PromotionState.Finalized;

    /// <summary>How far the promotion is, as one value: every decision about a promotion is a switch over it.</summary>
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

    public bool IsOnline => Mode == PromotionOptions.Online;

    public PhaseRecord? Phase(string name) => Phases.FirstOrDefault(phase => phase.Name == name);
}

/// <summary>What a phase achieved; <paramref name="EndedAt"/> is null while it is under way or was interrupted.</summary>
public sealed record PhaseRecord(string Name, DateTime StartedAt, DateTime? EndedAt, JsonElement Facts);
