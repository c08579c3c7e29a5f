using Migrator.Model;

namespace Migrator.Scope;

/// <summary>A table, and the rule that decides which of its rows are the tenant's.</summary>
/// <param name="Path">For a derived table the foreign keys to follow, nearest first.</param>
public sealed record ScopedTable(TableDefinition Table, TableScope Scope, IReadOnlyList<ForeignKey> Path)
{
    public TableName Name => Table.Name;

    /// <summary>Root, direct or derived: the table's rows are copied for the tenant.</summary>
    public bool IsTenantData => Scope is TableScope.Root or TableScope.Direct or TableScope.Derived;

    public bool IsCopied => Scope is not TableScope.Ignored;
}
