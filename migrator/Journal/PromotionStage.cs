namespace Migrator.Journal;

/// <summary>A promotion's progress, as far as commands need to know it.</summary>
public enum PromotionStage
{
    /// <summary>Under way; the shared database takes the tenant's writes.</summary>
    BeforeCutover,

    /// <summary>Flipped; the isolated database takes the tenant's writes.</summary>
    Isolated,

    /// <summary>Being rolled back; not flipped back yet.</summary>
    RollingBack,

    /// <summary>Flipped back; the promotion's leftovers are being removed.</summary>
    FlippedBack,

    /// <summary>Ended in the shared database.</summary>
    RolledBack,

    /// <summary>Ended in the isolated database; the shared copy is deleted.</summary>
    Finalized,
}
