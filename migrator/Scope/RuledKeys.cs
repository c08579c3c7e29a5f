using Migrator.Model;
using Migrator.Settings;

namespace Migrator.Scope;

/// <summary>The step from a row to its parent that a rule asks for.</summary>
static class RuledKeys
{
    /// <summary>
    /// The foreign key that says the same as the rule, or the rule as a key that nothing enforces; null when the rule
    /// fits neither tables nor columns.
    /// </summary>
    public static ForeignKey? Find(Catalog catalog, TableDefinition table, BelongsToRule rule)
    {
        var declared = catalog.ForeignKeys.Where(key => key.From == table.Name && key.To == rule.Parent).ToArray();
        if (rule.By.Count == 0)
            return declared.Length == 1 ? declared[0] : null;
        return declared.FirstOrDefault(key => IsSame(key, rule)) ?? Undeclared(catalog.Find(rule.Parent), table, rule);
    }

    /// <summary>The step from a tenant to the one above it; null without a tree, or where its column does not fit.</summary>
    /// <remarks>Deferrable: a statement may write a row before the one above it.</remarks>
    public static ForeignKey? Tree(Catalog catalog, Tenancy tenancy) =>
        tenancy.SubtreeColumn is { } column
        && catalog.Find(tenancy.Table) is { } root
        && ToTenant(catalog, tenancy, root, column) is { } step
            ? step with
            {
                Deferrable = true,
            }
            : null;

    /// <summary>The step from a row to the tenant whose key a column has; null where it does not fit.</summary>
    public static ForeignKey? ToTenant(Catalog catalog, Tenancy tenancy, TableDefinition table, string column) =>
        Find(
            catalog,
            table,
            new BelongsToRule(tenancy.Table, new Dictionary<string, string> { [column] = tenancy.KeyColumn })
        );

    /// <summary>
    /// The step that a rule <c>by_type</c> asks for, by the key of the table that a type names; null when it does not fit.
    /// </summary>
    public static ForeignKey? Find(Catalog catalog, TableDefinition table, ByTypeRule rule, TableName target) =>
        catalog.Find(target) is { Key: [var key] } parent
            ? Undeclared(parent, table, new(target, new Dictionary<string, string> { [rule.Id] = key }))
            : null;

    /// <summary>The step from a row to those that name it; null when it does not fit.</summary>
    public static ForeignKey? Find(Catalog catalog, TableDefinition table, NamingColumn name) =>
        table.Key is [var key]
        && table.Column(key) is { } here
        && catalog.Find(name.Table)?.Column(name.Column) is { } there
        && here.Family == there.Family
        && here.Equality == there.Equality
            ? new(
                $"{name.Table} → {table.Name}",
                table.Name,
                name.Table,
                [key],
                [name.Column],
                [here.Equality],
                Deferrable: true,
                OnDelete: 'a'
            )
            {
                IsDeclared = false,
                IsMany = true,
            }
            : null;

    static bool IsSame(ForeignKey key, BelongsToRule rule) =>
        key.FromColumns.Count == rule.By.Count
        && key.FromColumns.Zip(key.ToColumns)
            .All(pair => rule.By.TryGetValue(pair.First, out var to) && to == pair.Second);

    // The parent's columns hold its key, so that a row has one parent at most. Columns of one family compare by that
    // family's own equality.
    static ForeignKey? Undeclared(TableDefinition? parent, TableDefinition table, BelongsToRule rule)
    {
        if (parent is null || parent.Key.Count == 0 || !parent.Key.All(rule.By.Values.Contains))
            return null;
        var operators = new List<string>();
        foreach (var (from, to) in rule.By)
        {
            if (table.Column(from) is not { } here || parent.Column(to) is not { } there)
                return null;
            if (here.Family != there.Family || here.Equality != there.Equality)
                return null;
            operators.Add(there.Equality);
        }
        // Deferrable: without a constraint the application may write the row before its parent.
        return new(
            $"{table.Name} → {rule.Parent}",
            table.Name,
            rule.Parent,
            [.. rule.By.Keys],
            [.. rule.By.Values],
            operators,
            Deferrable: true,
            OnDelete: 'a'
        )
        {
            IsDeclared = false,
        };
    }
}
