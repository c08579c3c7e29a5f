namespace Migrator.Model;

/// <summary>The states of a promotion, as the journal spells them.</summary>
public static class PromotionState
{
    public const string Preparing = "preparing";
    public const string Copying = "copying";
    public const string CatchingUp = "catching-up";
    public const string Verifying = "verifying";

    /// <summary>Everything is copied and verified; the cutover waits until it is let go.</summary>
    public const string Holding = "holding";

    public const string CuttingOver = "cutting-over";
    public const string Isolated = "isolated";
    public const string RollingBack = "rolling-back";

    /// <summary>Rolled back: the tenant is in the shared database, and the promotion has ended.</summary>
    public const string Shared = "shared";

    public const string Finalized = "finalized";
}
