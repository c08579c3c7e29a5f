namespace Migrator.Journal;

/// <summary>How far a promotion is, as far as a command has to care.</summary>
public enum PromotionStage
{
    /// <summary>Under way; the shared database takes the tenant's writes.</summary>
    BeforeCutover,

    /// <summary>Flipped; the isolated database takes the tenant's writes.</summary>
    Isolated,

    /// <summary>On the way back; not flipped back yet.</summary>
    RollingBack,

    /// <summary>Flipped back; what is left of the promotion is being removed.</summary>
    FlippedBack,

    /// <summary>Ended in the shared database.</summary>
    RolledBack,

    /// <summary>Ended in the isolated database, and the shared copy deleted.</summary>
    Finalized,
}
