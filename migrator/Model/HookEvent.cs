namespace Migrator.Model;

/// <summary>What a hook can be told of, by the names in tenancy.json.</summary>
public static class HookEvent
{
    /// <summary>All rows are copied.</summary>
    public const string Copied = "copied";

    /// <summary>Both sides have been compared and are equal.</summary>
    public const string Verified = "verified";

    /// <summary>The promotion holds before its cutover, or holds again.</summary>
    public const string Holding = "holding";

    /// <summary>The tenant's writes are about to pause: the only event that a hook may answer with no.</summary>
    public const string BeforeCutover = "before-cutover";

    /// <summary>The tenant has moved.</summary>
    public const string Flipped = "flipped";

    /// <summary>The checks after the flip have passed.</summary>
    public const string Validated = "validated";

    /// <summary>A command has ended with an error after the promotion had begun.</summary>
    public const string Failed = "failed";

    /// <summary>A phase has not come any further for some time.</summary>
    public const string Stalled = "stalled";

    /// <summary>The tenant is back in the shared database, or never left it.</summary>
    public const string RolledBack = "rolled-back";

    /// <summary>The tenant's rows are deleted from the shared database.</summary>
    public const string Finalized = "finalized";

    /// <summary>All of them, in the order in which they happen.</summary>
    public static IReadOnlyList<string> All { get; } =
    [Copied, Verified, Holding, BeforeCutover, Flipped, Validated, Failed, Stalled, RolledBack, Finalized];
}
