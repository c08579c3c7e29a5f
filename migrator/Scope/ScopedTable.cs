using Migrator.Model;

namespace Migrator.Scope;

/// <summary>A table, and the rule that decides which of its rows are the tenant's.</summary>
/// <param name="Path">For a derived table the foreign keys to follow, nearest first.</param>
public sealed record ScopedTable(TableDefinition Table, TableScope Scope, IReadOnlyList<ForeignKey> Path)
{
    /// <summary>The name of <see cref="TenantColumn"/>; null for a table that has none.</summary>
    public string? TenantColumnName { get; init; }

    /// <summary>The column with the tenant's key, of the root table or of a direct table.</summary>
    public Column TenantColumn => Table.Column(TenantColumnName!)!;

    public TableName Name => Table.Name;

    /// <summary>Root, direct or derived: the table's rows are copied for the tenant.</summary>
    public bool IsTenantData => Scope is TableScope.Root or TableScope.Direct or TableScope.Derived;

    public bool IsCopied => Scope is not TableScope.Ignored;

    /// <summary>
    /// The condition under which a row belongs to no tenant: its tenant column, or the first step of its path,
    /// is null.
    /// </summary>
    public string? WithoutTenant(string alias)
    {
        IReadOnlyList<string> columns = Scope switch
        {
            TableScope.Direct => [TenantColumnName!],
            TableScope.Derived => Path[0].FromColumns,
            _ => [],
        };
        var nullable = columns.Where(name => !Table.Column(name)!.NotNull).ToArray();
        return nullable.Length == 0
            ? null
            : string.Join(" OR ", nullable.Select(name => $"{alias}.{Sql.Identifier(name)} IS NULL"));
    }
}
