using System.Text.RegularExpressions;
using Migrator.Model;
using Migrator.Settings;

namespace Migrator.Scope;

/// <summary>
/// Every table of the database with its rule. Catalog and settings decide the rules; the code has no list of
/// tables.
/// </summary>
public sealed partial class TenantScope
{
    readonly Catalog catalog;
    readonly Tenancy tenancy;

    TenantScope(
        Catalog catalog,
        Tenancy tenancy,
        IReadOnlyList<ScopedTable> tables,
        IReadOnlyList<TableDefinition> unclassified
    )
    {
        this.catalog = catalog;
        this.tenancy = tenancy;
        Tables = tables;
        Unclassified = unclassified;
    }

    /// <summary>All classified tables, in name order.</summary>
    public IReadOnlyList<ScopedTable> Tables { get; }

    /// <summary>
    /// Tables that no rule covers. Copying one could leak rows and skipping one could lose rows, so preflight
    /// refuses.
    /// </summary>
    public IReadOnlyList<TableDefinition> Unclassified { get; }

    public IEnumerable<ScopedTable> TenantTables => Tables.Where(table => table.IsTenantData);

    /// <summary>Tenant tables without a key, whose changes cannot be replicated.</summary>
    public IEnumerable<ScopedTable> UnstreamedTables => TenantTables.Where(table => !table.Table.IsStreamable);

    public IEnumerable<ScopedTable> CopiedTables => Tables.Where(table => table.IsCopied);

    public IReadOnlyList<ForeignKey> ForeignKeys => catalog.ForeignKeys;

    /// <summary>All references that the rules or the constraints know of.</summary>
    public IEnumerable<ForeignKey> References =>
        ForeignKeys.Concat(Tables.SelectMany(table => table.Path.Take(1)).Where(key => !key.IsDeclared));

    public IReadOnlyList<Sequence> Sequences => catalog.Sequences;

    public ScopedTable Root => Tables.Single(table => table.Scope == TableScope.Root);

    public ScopedTable this[TableName name] => Tables.Single(table => table.Name == name);

    public static TenantScope Classify(Catalog catalog, Tenancy tenancy)
    {
        var rules = new Dictionary<TableName, ScopedTable>();
        void Rule(TableDefinition table, TableScope kind, string? column = null) =>
            rules.Add(table.Name, new(table, kind, []) { TenantColumnName = column });

        foreach (var table in catalog.Tables)
        {
            if (table.Name == tenancy.Table)
                Rule(table, TableScope.Root, tenancy.KeyColumn);
            else if (tenancy.Ignored.Contains(table.Name))
                Rule(table, TableScope.Ignored);
            else if (tenancy.Reference.Contains(table.Name))
                Rule(table, TableScope.Reference);
            else if (TenantColumnsOf(catalog, tenancy, table) is [var column, ..])
                Rule(table, TableScope.Direct, column);
        }

        Derive(catalog, tenancy, rules);
        foreach (var table in catalog.Tables)
            if (
                !rules.ContainsKey(table.Name)
                && !tenancy.Rules.ContainsKey(table.Name)
                && MigrationHistory.Knows(table.Name.Name)
            )
                Rule(table, TableScope.Reference);

        return new(
            catalog,
            tenancy,
            [.. rules.Values.OrderBy(table => table.Name)],
            [.. catalog.Tables.Where(table => !rules.ContainsKey(table.Name))]
        );
    }

    /// <summary>The same rules for the tables and columns that another database has as well, by their names.</summary>
    public TenantScope In(Catalog other)
    {
        var tables = Tables
            .Where(table => other.Find(table.Name) is not null)
            .ToDictionary(table => table.Name, table => table with { Table = table.Table.In(other.Find(table.Name)!) });
        bool Has(TableName name, IEnumerable<string> columns) =>
            tables.TryGetValue(name, out var table) && columns.All(column => table.Table.Column(column) is not null);
        var common = new Catalog(
            [.. tables.Values.Select(table => table.Table)],
            [.. ForeignKeys.Where(key => Has(key.From, key.FromColumns) && Has(key.To, key.ToColumns))],
            [.. Sequences.Where(sequence => other.Sequences.Any(one => one.Name == sequence.Name))]
        );
        return new(common, tenancy, [.. tables.Values.OrderBy(table => table.Name)], []);
    }

    /// <summary>
    /// The condition under which a row, with the alias <paramref name="alias"/>, is the tenant's; <c>true</c>
    /// for a reference table.
    /// </summary>
    /// <param name="key">The tenant's key as text.</param>
    public string Condition(ScopedTable table, string alias, string key) =>
        table.Scope switch
        {
            TableScope.Root or TableScope.Direct => Equal(alias, table.TenantColumn, key),
            TableScope.Derived => Parent(table.Path, alias, 1, key),
            TableScope.Reference => "true",
            _ => "false",
        };

    /// <summary>
    /// A derived row's parent, with the alias <c>p1</c>: its table, the join to the row, and the condition
    /// under which it is the tenant's.
    /// </summary>
    public (string Parent, string Join, string Belongs) ParentOf(ScopedTable table, string alias, string key) =>
        Step(table.Path, alias, 1, key);

    /// <summary>The columns of a direct table that could name its tenant; the first one does.</summary>
    public IReadOnlyList<string> TenantColumnsOf(ScopedTable table) =>
        table.Scope == TableScope.Direct ? TenantColumnsOf(catalog, tenancy, table.Table) : [];

    /// <summary>
    /// A foreign key whose rows never cross from one tenant to another: it carries the tenant on both ends, or it is the
    /// step by which the referring table belongs.
    /// </summary>
    public bool StaysInside(ForeignKey key)
    {
        var (from, to) = (this[key.From], this[key.To]);
        if (from.Path.FirstOrDefault() == key)
            return true;
        return from.Scope == TableScope.Direct
            && to.Scope is TableScope.Root or TableScope.Direct
            && key.FromColumns.Zip(key.ToColumns)
                .Any(pair => pair.First == from.TenantColumn.Name && pair.Second == to.TenantColumn.Name);
    }

    /// <summary>
    /// Tenant tables with every table before those that reference it. Tables of one cycle stand next to each other.
    /// </summary>
    public IReadOnlyList<ScopedTable> ParentsFirst() => Components().SelectMany(component => component).ToArray();

    /// <summary>Strongly connected components of the foreign-key graph, parents first.</summary>
    public IReadOnlyList<IReadOnlyList<ScopedTable>> Components() =>
        ReferenceGraph.Components(TenantTables, References);

    static IReadOnlyList<string> TenantColumnsOf(Catalog catalog, Tenancy tenancy, TableDefinition table)
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

    static bool HoldsKey(Catalog catalog, Tenancy tenancy, Column? column) =>
        column is not null
        && catalog.Find(tenancy.Table)?.Column(tenancy.KeyColumn) is { } key
        && (
            column.TypeText == key.TypeText
            || column.Family is "text"
            || (column.Family is "integer" && key.Family is "integer")
        );

    // Breadth first from the known tables, so the first path found is the shortest. Keys that cannot be null go
    // first; nullable keys are followed only where no other path exists.
    static void Derive(Catalog catalog, Tenancy tenancy, Dictionary<TableName, ScopedTable> rules)
    {
        foreach (var nullable in (bool[])[false, true])
        {
            bool grown;
            do
            {
                var found = catalog
                    .Tables.Where(table => !rules.ContainsKey(table.Name))
                    .Select(table => (table, key: Steps(table).FirstOrDefault(key => Leads(key, table, nullable))))
                    .Where(candidate => candidate.key is not null)
                    .ToArray();
                var level = found
                    .Select(candidate => new ScopedTable(
                        candidate.table,
                        TableScope.Derived,
                        [candidate.key!, .. rules[candidate.key!.To].Path]
                    ))
                    .ToArray();
                foreach (var table in level)
                    rules.Add(table.Name, table);
                grown = level.Length > 0;
            } while (grown);
        }

        IEnumerable<ForeignKey> Steps(TableDefinition table) =>
            tenancy.Rules.GetValueOrDefault(table.Name) switch
            {
                null => catalog.ForeignKeys,
                BelongsToRule rule when RuledKeys.Find(catalog, table, rule) is { } key => [key],
                _ => [],
            };

        bool Leads(ForeignKey key, TableDefinition table, bool nullable)
        {
            if (key.From != table.Name || !rules.TryGetValue(key.To, out var to) || !to.IsTenantData)
                return false;
            if (tenancy.Derived.TryGetValue(table.Name, out var chosen))
                return key.Name == chosen || string.Join(",", key.FromColumns) == chosen.Replace(" ", "");
            return nullable
                || tenancy.Rules.ContainsKey(table.Name)
                || key.FromColumns.All(name => table.Column(name)!.NotNull);
        }
    }

    static string Equal(string alias, Column column, string key) =>
        $"{alias}.{Sql.Identifier(column.Name)} {column.Equality} {Sql.Literal(key)}::{ComparedAs(column.TypeText)}";

    // The key is never cast to a type that is narrower than its own: an explicit cast to varchar(10) cuts it without a word, and a smallint
    // refuses it. The column's index serves the wider type as well.
    // https://www.postgresql.org/docs/current/datatype-character.html
    static string ComparedAs(string type)
    {
        var bare = TypeModifier().Replace(type, "");
        return bare switch
        {
            "character" => "bpchar",
            "bit" => "bit varying",
            "name" => "text",
            "smallint" or "integer" => "bigint",
            _ => bare,
        };
    }

    [GeneratedRegex(@"\(\d+(,-?\d+)?\)")]
    private static partial Regex TypeModifier();

    string Parent(IReadOnlyList<ForeignKey> path, string alias, int depth, string key)
    {
        var (parent, join, belongs) = Step(path, alias, depth, key);
        return $"EXISTS (SELECT FROM {parent} p{depth} WHERE {join} AND {belongs})";
    }

    (string Parent, string Join, string Belongs) Step(
        IReadOnlyList<ForeignKey> path,
        string alias,
        int depth,
        string key
    )
    {
        var parent = this[path[0].To];
        var name = "p" + depth;
        var join = path[0].Join(alias, name);
        var belongs = path.Count > 1 ? Parent([.. path.Skip(1)], name, depth + 1, key) : Condition(parent, name, key);
        return (parent.Table.From, join, belongs);
    }
}
