namespace Migrator.Guarding;

/// <summary>The states of a write guard, as its row has them; guard.sql says what each means to a write.</summary>
public static class GuardState
{
    /// <summary>The tenant's writes are accepted, or wait for a pause to end.</summary>
    public const string Open = "open";

    /// <summary>The tenant's writes fail while the run that has closed the guard lives.</summary>
    public const string Closed = "closed";

    /// <summary>The tenant's writes fail: the tenant is in the other database.</summary>
    public const string Moved = "moved";
}
