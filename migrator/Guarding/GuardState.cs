namespace Migrator.Guarding;

/// <summary>The states of a write guard, as its row has them.</summary>
public static class GuardState
{
    /// <summary>The tenant's writes are accepted.</summary>
    public const string Open = "open";

    /// <summary>The tenant's writes fail.</summary>
    public const string Closed = "closed";
}
