using Migrator.Model;
using Migrator.Settings;

namespace Migrator.Scope;

/// <summary>Finds each table's class and claims, from the settings and from the foreign keys.</summary>
sealed class Classifier(Catalog catalog, Tenancy tenancy)
{
    readonly Dictionary<TableName, ScopedTable> rules = [];
    readonly ForeignKey? tree = RuledKeys.Tree(catalog, tenancy);

    public IEnumerable<ScopedTable> Run()
    {
        foreach (var table in catalog.Tables)
        {
            if (table.Name == tenancy.Table)
                AddRoot(table);
            else if (tenancy.Ignored.Contains(table.Name))
                Add(table, TableScope.Ignored, []);
            else if (tenancy.Reference.Contains(table.Name))
                Add(table, TableScope.Reference, []);
            else if (TenantColumnsOf(catalog, tenancy, table) is not [var column, ..])
                continue;
            else if (tree is not null && OfTenant(table, column) is { } claims)
                Add(table, TableScope.Derived, claims);
            else
                rules.Add(
                    table.Name,
                    new(table, TableScope.Direct, [new() { Column = column }])
                    {
                        NullIsGlobal = tenancy.Rules.GetValueOrDefault(table.Name) is TenantRule { NullIsGlobal: true },
                    }
                );
        }
        Derive();
        foreach (var table in catalog.Tables)
            if (
                !rules.ContainsKey(table.Name)
                && !tenancy.Rules.ContainsKey(table.Name)
                && MigrationHistory.Knows(table.Name.Name)
            )
                Add(table, TableScope.Reference, []);
        return rules.Values;
    }

    /// <summary>The columns that could name the tenant of a table; the first one does.</summary>
    public static IReadOnlyList<string> TenantColumnsOf(Catalog catalog, Tenancy tenancy, TableDefinition table)
    {
        if (tenancy.Derived.ContainsKey(table.Name))
            return [];
        var names = tenancy.Rules.GetValueOrDefault(table.Name) switch
        {
            null => tenancy.TenantColumns,
            TenantRule rule => [rule.Column],
            _ => [],
        };
        return [.. names.Where(name => HoldsKey(catalog, tenancy, table.Column(name)))];
    }

    /// <summary>A column that can hold the tenant's key.</summary>
    public static bool HoldsKey(Catalog catalog, Tenancy tenancy, Column? column) =>
        column is not null
        && catalog.Find(tenancy.Table)?.Column(tenancy.KeyColumn) is { } key
        && (
            column.TypeText == key.TypeText
            || column.Family is "text"
            || (column.Family is "integer" && key.Family is "integer")
        );

    void AddRoot(TableDefinition table)
    {
        Claim key = new() { Column = tenancy.KeyColumn };
        if (tree is null)
            Add(table, TableScope.Root, [key]);
        else
            rules.Add(table.Name, new(table, TableScope.Root, [key, new() { Step = tree }]) { Tree = tree });
    }

    // In a tree the row of the tenants' table tells whose the row is.
    IReadOnlyList<Claim>? OfTenant(TableDefinition table, string column) =>
        tree is null ? [new() { Column = column }]
        : RuledKeys.ToTenant(catalog, tenancy, table, column) is { } step ? [new() { Step = step }]
        : null;

    void Add(TableDefinition table, TableScope scope, IReadOnlyList<Claim> claims) =>
        rules.Add(table.Name, new(table, scope, claims));

    // Breadth first from the known tables, so the first path found is the shortest. Keys that cannot be null go
    // first; nullable keys are followed only where no other path exists.
    void Derive()
    {
        foreach (var nullable in (bool[])[false, true])
        {
            bool grown;
            do
            {
                var level = catalog
                    .Tables.Where(table => !rules.ContainsKey(table.Name))
                    .Select(table => (table, claims: ClaimsOf(table, nullable)))
                    .Where(found => found.claims is { Count: > 0 })
                    .ToArray();
                foreach (var (table, claims) in level)
                    rules.Add(
                        table.Name,
                        tenancy.Rules.GetValueOrDefault(table.Name) is SharedThroughRule shared
                            ? new(table.Without(shared.Blank), TableScope.Shared, claims!) { Blank = shared.Blank }
                            : new(table, TableScope.Derived, claims!)
                    );
                grown = level.Length > 0;
            } while (grown);
        }
    }

    IReadOnlyList<Claim>? ClaimsOf(TableDefinition table, bool nullable) =>
        tenancy.Rules.TryGetValue(table.Name, out var rule) ? ClaimsOf(table, rule)
        : catalog
            .ForeignKeys.OrderByDescending(key => key.IsDeclared)
            .FirstOrDefault(key => Leads(key, table, nullable))
            is { } step
            ? [new() { Step = step }]
        : null;

    bool Leads(ForeignKey key, TableDefinition table, bool nullable)
    {
        if (key.From != table.Name || !IsTenantData(key.To))
            return false;
        if (tenancy.Derived.TryGetValue(table.Name, out var chosen))
            return key.Name == chosen || string.Join(",", key.FromColumns) == chosen.Replace(" ", "");
        return nullable || key.FromColumns.All(name => table.Column(name)!.NotNull);
    }

    bool IsTenantData(TableName name) => rules.TryGetValue(name, out var table) && table.IsTenantData;

    bool IsReadable(TableName name) => rules.TryGetValue(name, out var table) && MayBeRead(table);

    /// <summary>
    /// A condition's subqueries may read the table: its rows are the tenant's, and neither the flip nor a third table changes
    /// what they say.
    /// </summary>
    public static bool MayBeRead(ScopedTable table) =>
        table.Scope is TableScope.Direct or TableScope.Derived && !table.Reads.Any();

    // Null as long as a table that the rule leads to has no class: so no circle ever gets one.
    IReadOnlyList<Claim>? ClaimsOf(TableDefinition table, TableRule rule) =>
        rule switch
        {
            TenantRule tenant => HoldsKey(catalog, tenancy, table.Column(tenant.Column))
                ? OfTenant(table, tenant.Column)
                : null,
            BelongsToRule belongs => RuledKeys.Find(catalog, table, belongs) is { } step && IsTenantData(step.To)
                ? [new() { Step = step }]
                : null,
            ByTypeRule byType => All(byType.To.Select(to => ClaimsOf(table, byType, to.Key, to.Value))),
            WhereRule where => RowCondition.Parse(where.Condition, table) is { Columns.Count: > 0 } condition
            && condition.Reads.All(IsReadable)
                ? [new() { Where = condition }]
                : null,
            NamedByRule named => All(named.Names.Select(name => ClaimsOf(table, name))),
            SharedThroughRule shared => All(shared.Names.Select(name => ClaimsOf(table, name))),
            AnyOfRule any => All(any.Rules.Select(one => ClaimsOf(table, one))),
            _ => null,
        };

    // A row that names a row of another class is no tenant's.
    IReadOnlyList<Claim>? ClaimsOf(TableDefinition table, ByTypeRule rule, string value, TableName target)
    {
        if (!rules.TryGetValue(target, out var to))
            return null;
        if (!to.IsTenantData)
            return [];
        return RuledKeys.Find(catalog, table, rule, target) is { } step && table.Column(rule.Type) is { } type
            ?
            [
                new()
                {
                    Step = step,
                    TypeColumn = type,
                    TypeValue = value,
                },
            ]
            : null;
    }

    IReadOnlyList<Claim>? ClaimsOf(TableDefinition table, NamingColumn name) =>
        IsTenantData(name.Table) && RuledKeys.Find(catalog, table, name) is { } step ? [new() { Step = step }] : null;

    static IReadOnlyList<Claim>? All(IEnumerable<IReadOnlyList<Claim>?> parts)
    {
        var all = parts.ToArray();
        return all.Contains(null) ? null : [.. all.SelectMany(one => one!)];
    }
}
