namespace Migrator.Scope;

/// <summary>How a table's rows belong to tenants.</summary>
public enum TableScope
{
    /// <summary>The tenants table itself: one row.</summary>
    Root,

    /// <summary>A table with the tenant column.</summary>
    Direct,

    /// <summary>A table whose chain of foreign keys leads to a direct table.</summary>
    Derived,

    /// <summary>A table whose rows belong to no tenant; those that the tenant's rows name are copied.</summary>
    Shared,

    /// <summary>A table whose rows belong to no tenant; copied whole.</summary>
    Reference,

    /// <summary>A table whose rows are not copied; only its definition is cloned.</summary>
    Ignored,
}
