using Migrator.Model;

namespace Migrator.Scope;

/// <summary>A table, and the rule that decides which of its rows are the tenant's.</summary>
/// <param name="Claims">The ways by which a row of a root, direct or derived table is the tenant's: any one of them.</param>
public sealed record ScopedTable(TableDefinition Table, TableScope Scope, IReadOnlyList<Claim> Claims)
{
    /// <summary>Derived or shared, or a tree of tenants: other rows tell whether a row is copied.</summary>
    public bool IsByReference => Scope is TableScope.Derived or TableScope.Shared || Tree is not null;

    /// <summary>Of a root table whose rows form trees: the step to the tenant above. Null of all other tables.</summary>
    public ForeignKey? Tree { get; init; }

    /// <summary>Columns of a shared table that are not copied.</summary>
    public IReadOnlyList<string> Blank { get; init; } = [];

    /// <summary>A row of a direct table that names no tenant is everybody's.</summary>
    public bool NullIsGlobal { get; init; }

    /// <summary>The column with the tenant's key, of the root table or of a direct table.</summary>
    public Column TenantColumn => Table.Column(Claims[0].Column!)!;

    public TableName Name => Table.Name;

    /// <summary>Root, direct or derived: the table's rows are copied for the tenant.</summary>
    public bool IsTenantData => Scope is TableScope.Root or TableScope.Direct or TableScope.Derived;

    public bool IsCopied => Scope is not TableScope.Ignored;

    /// <summary>The condition under which a row is not everybody's, as far as the row itself tells.</summary>
    public string WithTenant(string alias) =>
        NullIsGlobal ? $"{alias}.{Sql.Identifier(TenantColumn.Name)} IS NOT NULL" : "true";

    /// <summary>
    /// Tables whose rows a condition of this table reads. No change of this table tells when such a row makes another the
    /// tenant's: the table is copied behind the closed guard.
    /// </summary>
    public IEnumerable<TableName> Reads => Claims.SelectMany(claim => claim.Where?.Reads ?? []).Distinct();

    /// <summary>The change stream follows the table's rows.</summary>
    public bool IsStreamed => Table.IsStreamable && !Reads.Any();

    /// <summary>The references by which rows are the tenant's.</summary>
    public IEnumerable<ForeignKey> Steps => Claims.Select(claim => claim.Step).OfType<ForeignKey>();

    /// <summary>The references that only a rule tells of.</summary>
    public IEnumerable<ForeignKey> UndeclaredSteps => Steps.Where(step => !step.IsDeclared);

    /// <summary>The references of rows that may name a row that is not there.</summary>
    public IEnumerable<ForeignKey> LooseSteps => Steps.Where(step => step.IsLoose);

    /// <summary>
    /// The condition under which a row belongs to no tenant: every column that could tell is null, or of a type that
    /// leads nowhere. Null where each row names something.
    /// </summary>
    public string? WithoutTenant(string alias)
    {
        var names = Scope is TableScope.Direct or TableScope.Derived
            ? Claims
                .Select(claim =>
                    string.Join(" AND ", claim.Names(alias, name => Table.Column(name) is { NotNull: false }))
                )
                .ToArray()
            : [""];
        return names.Contains("") ? null : $"({string.Join(" OR ", names.Select(one => $"({one})"))}) IS NOT TRUE";
    }
}
