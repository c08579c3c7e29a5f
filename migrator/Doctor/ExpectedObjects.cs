using Migrator.Journal;
using Migrator.Model;

namespace Migrator.Doctor;

/// <summary>
/// The objects that a promotion may have in its state. Any other object with one of our names was left behind.
/// </summary>
public static class ExpectedObjects
{
    /// <summary>Slot and publication in the shared database: until the flip.</summary>
    public static bool MayHaveForwardSlot(PromotionRecord? promotion) =>
        promotion is { EndedAt: null, IsFlipped: false };

    /// <summary>
    /// Slot and publication in the isolated database: from shortly before the flip until the end of the
    /// rollback or the promotion.
    /// </summary>
    public static bool MayHaveReverseSlot(PromotionRecord? promotion) =>
        promotion
            is {
                EndedAt: null,
                State: PromotionState.CuttingOver
                    or PromotionState.Holding
                    or PromotionState.Isolated
                    or PromotionState.RollingBack
                    or PromotionState.Shared,
            };

    /// <summary>The guard's triggers in the shared database, all of them: until the promotion is finalized or rolled back.</summary>
    public static bool NeedsTriggers(PromotionRecord? promotion) =>
        promotion is { EndedAt: null, Stage: PromotionStage.BeforeCutover or PromotionStage.Isolated }
        && promotion.Phase(PhaseName.InstallGuard)?.EndedAt is not null;

    /// <summary>
    /// The guard in the shared database: until the promotion is rolled back. Of a finalized promotion the guard's row is left,
    /// for the fence.
    /// </summary>
    public static bool MayHaveGuard(PromotionRecord? promotion) =>
        promotion is { EndedAt: null } or { State: PromotionState.Finalized };
}
