using Migrator.Model;
using Migrator.Settings;
using Npgsql;

namespace Migrator.Scope;

/// <summary>
/// Every table of the database with its rule. Catalog and settings decide the rules; the code has no list of
/// tables.
/// </summary>
public sealed class TenantScope
{
    readonly Catalog catalog;
    readonly Dictionary<TableName, ScopedTable> byName;
    readonly ILookup<TableName, ForeignKey> from;
    readonly ILookup<TableName, ForeignKey> to;
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
        byName = tables.ToDictionary(table => table.Name);
        Unclassified = unclassified;
        // A column that is not copied refers to nothing in the isolated database.
        var blank = tables.ToDictionary(table => table.Name, table => table.Blank);
        ForeignKeys =
        [
            .. catalog.ForeignKeys.Where(key => !key.FromColumns.Any(blank.GetValueOrDefault(key.From, []).Contains)),
        ];
        References = [.. ForeignKeys.Union(tables.SelectMany(table => table.UndeclaredSteps))];
        from = References.ToLookup(key => key.From);
        to = References.ToLookup(key => key.To);
    }

    /// <summary>All classified tables, in name order.</summary>
    public IReadOnlyList<ScopedTable> Tables { get; }

    /// <summary>
    /// Tables that no rule covers. Copying one could leak rows and skipping one could lose rows, so preflight
    /// refuses.
    /// </summary>
    public IReadOnlyList<TableDefinition> Unclassified { get; }

    public IEnumerable<ScopedTable> TenantTables => Tables.Where(table => table.IsTenantData);

    /// <summary>Tenant tables whose changes cannot be replicated: without a key, or with a condition that reads other tables.</summary>
    public IEnumerable<ScopedTable> UnstreamedTables => TenantTables.Where(table => !table.IsStreamed);

    public IEnumerable<ScopedTable> CopiedTables => Tables.Where(table => table.IsCopied);

    public IReadOnlyList<ForeignKey> ForeignKeys { get; }

    /// <summary>All references that the rules or the constraints know of.</summary>
    public IReadOnlyList<ForeignKey> References { get; }

    /// <summary>Those by which a table's rows refer to others.</summary>
    public IEnumerable<ForeignKey> ReferencesFrom(TableName table) => from[table];

    /// <summary>Those by which rows refer to a table's.</summary>
    public IEnumerable<ForeignKey> ReferencesTo(TableName table) => to[table];

    public IReadOnlyList<Sequence> Sequences => catalog.Sequences;

    public ScopedTable Root => Tables.Single(table => table.Scope == TableScope.Root);

    /// <summary>A tenant is a row of the tenants' table with all rows below it.</summary>
    public bool IsTree => tenancy.SubtreeColumn is not null && Root.Tree is not null;

    public ScopedTable this[TableName name] => byName[name];

    /// <summary>Reads a shared database's catalog, and classifies its tables.</summary>
    public static async Task<TenantScope> ReadAsync(
        NpgsqlConnection shared,
        Tenancy tenancy,
        CancellationToken cancellationToken
    ) => Classify(await Catalog.ReadAsync(shared, cancellationToken), tenancy);

    public static TenantScope Classify(Catalog catalog, Tenancy tenancy)
    {
        var tables = new Classifier(catalog, tenancy).Run().ToDictionary(table => table.Name);
        return new(
            catalog,
            tenancy,
            [.. tables.Values.OrderBy(table => table.Name)],
            [.. catalog.Tables.Where(table => !tables.ContainsKey(table.Name))]
        );
    }

    /// <summary>The scope without tables of strangers, which nobody else can put a trigger on.</summary>
    public TenantScope WithoutStrangers() => Without(table => !table.Owned && table.Name != tenancy.Table);

    /// <summary>The scope without tables that nobody may read who does not trust their owners.</summary>
    public TenantScope Readable() => Without(catalog.Strangers(tenancy.Table).Contains);

    /// <summary>The scope of the database without some tables: a stranger may have made them, and has no row of ours there.</summary>
    public TenantScope Without(Func<TableDefinition, bool> others)
    {
        var kept = catalog.Without(others);
        return kept.Tables.Count == catalog.Tables.Count ? this : Classify(kept, tenancy);
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
            [.. Sequences.Where(sequence => other.Sequences.Any(one => one.Name == sequence.Name && one.Owned))]
        );
        return new(common, tenancy, [.. tables.Values.OrderBy(table => table.Name)], []);
    }

    /// <summary>
    /// The condition under which a row, with the alias <paramref name="alias"/>, is the tenant's, or is named by the
    /// tenant's rows in a shared table; <c>true</c> for a reference table.
    /// </summary>
    /// <param name="tenant">Whose rows.</param>
    public string Condition(ScopedTable table, string alias, TenantId tenant) =>
        table.Scope switch
        {
            TableScope.Reference => "true",
            TableScope.Ignored => "false",
            _ => Owned(table, alias, 1, tenant),
        };

    /// <summary>The condition under which a row is not the tenant's. PostgreSQL joins for NOT EXISTS, and for no other form.</summary>
    public string NotOurs(ScopedTable table, string alias, TenantId tenant) =>
        table is { IsByReference: true, Tree: null, Claims: [{ Step: not null, TypeColumn: null }] }
            ? $"NOT {Condition(table, alias, tenant)}"
            : $"({Condition(table, alias, tenant)}) IS NOT TRUE";

    /// <summary>The condition that a row of the tenants' table is the tenant's own, and not one below.</summary>
    public string IsRoot(string alias, TenantId tenant) => Equal(Root, Root.Claims[0], alias, tenant);

    /// <summary>
    /// The condition under which a row comes along without being the tenant's: everybody's rows, or all rows of a
    /// reference table. Null where none does.
    /// </summary>
    public string? ComesAlong(ScopedTable table, string alias) =>
        table.Scope switch
        {
            TableScope.Reference or TableScope.Shared => "true",
            TableScope.Direct when table.NullIsGlobal => $"{alias}.{Sql.Identifier(table.TenantColumn.Name)} IS NULL",
            TableScope.Derived => OfEverybody(table, alias, 1),
            _ => null,
        };

    /// <summary>The condition under which a row of the shared database is copied.</summary>
    public string Copied(ScopedTable table, string alias, TenantId tenant) =>
        table.IsTenantData && ComesAlong(table, alias) is { } along
            ? $"({Condition(table, alias, tenant)} OR {along})"
            : Condition(table, alias, tenant);

    /// <summary>The condition under which a row of the shared database is not copied.</summary>
    public string NotCopied(ScopedTable table, string alias, TenantId tenant) =>
        table.IsTenantData && ComesAlong(table, alias) is not null
            ? $"({Copied(table, alias, tenant)}) IS NOT TRUE"
            : NotOurs(table, alias, tenant);

    /// <summary>
    /// <see cref="Condition"/> for a statement that reads all the tenant's rows of a table, seen as <c>t</c>: where there are
    /// several ways, each can use an index of its own. The set of rows is computed whole, which a statement about a few
    /// rows would pay for.
    /// </summary>
    public string ConditionOfAll(ScopedTable table, TenantId tenant) =>
        table.IsByReference ? Owned(table, "t", 1, tenant, ofAll: true) : Condition(table, "t", tenant);

    /// <summary><see cref="Copied"/> for a statement that reads all rows that are copied.</summary>
    public string CopiedOfAll(ScopedTable table, TenantId tenant) =>
        table.IsTenantData && ComesAlong(table, "t") is not null
            ? Copied(table, "t", tenant)
            : ConditionOfAll(table, tenant);

    /// <summary>
    /// <see cref="Copied"/> for a statement about a few rows: in a tree of tenants the walk is up from each row, as far as it is
    /// deep, and not down to all rows of the tree.
    /// </summary>
    public string CopiedOfFew(ScopedTable table, string alias, TenantId tenant) =>
        IsTree && table.IsByReference ? $"({Verdict(table, alias, tenant)}) IS TRUE" : Copied(table, alias, tenant);

    /// <summary>The condition under which a row of the shared database comes along; null where none does.</summary>
    public string? CopiedAlong(ScopedTable table, string alias, TenantId tenant) =>
        table.Scope == TableScope.Shared ? Condition(table, alias, tenant) : ComesAlong(table, alias);

    /// <summary>
    /// The condition under which a row of the isolated database is to be one of the tenant's in the shared database,
    /// whatever it names.
    /// </summary>
    public string Arrived(ScopedTable table, string alias) =>
        table.IsTenantData && ComesAlong(table, alias) is { } along ? $"({along}) IS NOT TRUE" : "true";

    /// <summary>
    /// Whose a row is, as a single row can tell: true for the tenant's, false for another's or nobody's, null where the
    /// row names a row that cannot be seen.
    /// </summary>
    public string Verdict(ScopedTable table, string row, TenantId tenant) => Verdict(table, row, 1, tenant);

    /// <summary>
    /// A row, or one that makes it the tenant's, may name a row that is not there: no constraint enforces that reference.
    /// </summary>
    public bool MayLackAncestors(ScopedTable table) =>
        table.Tree is not null || table.Steps.Any(step => step.IsLoose || MayLackAncestors(this[step.To]));

    /// <summary>The same of a row that has been committed.</summary>
    public bool MayStandWithoutAncestors(ScopedTable table) =>
        table.Tree is { } tree
            ? tree.IsLoose
            : table.Steps.Any(step => step.IsLoose || MayStandWithoutAncestors(this[step.To]));

    /// <summary>
    /// The condition under which a row names something that is not the tenant's, whatever else it names.
    /// </summary>
    public string NamesOthers(ScopedTable table, string alias, TenantId tenant) =>
        Any(table.Claims.Select(claim => NamesOthers(table, claim, alias, tenant)));

    /// <summary>
    /// The condition under which a row is somebody else's by one of its claims. A condition of tenancy.json that is false of this
    /// tenant says nothing of others, and is asked of them.
    /// </summary>
    /// <param name="others">Other tenants.</param>
    public string ClaimedByOthers(ScopedTable table, string alias, TenantId tenant, IReadOnlyList<TenantId> others) =>
        Any(
            table.Claims.Select(claim =>
                claim.Where is { } where
                    ? Any(others.Select(other => Where(where, alias, other)).DefaultIfEmpty("false"))
                    : NamesOthers(table, claim, alias, tenant)
            )
        );

    string NamesOthers(ScopedTable table, Claim claim, string alias, TenantId tenant)
    {
        // A condition that is false says nothing of what the row names, which may come later.
        if (claim.Where is not null)
            return $"(NOT {Equal(table, claim, alias, tenant)} AND ({Verdict(table, alias, tenant)}) IS NOT NULL)";
        if (claim.Step is null)
            return $"NOT ({Equal(table, claim, alias, tenant)})";
        var (parent, join, belongs) = Step(claim.Step, alias, 1, tenant);
        return $"{claim.OfType(alias)}EXISTS (SELECT FROM {parent} p1 WHERE {join} AND ({belongs}) IS NOT TRUE)";
    }

    /// <summary>
    /// The condition under which a row of the shared database, or one that is to become one, is not another tenant's. A
    /// derived row may come before the row that it names.
    /// </summary>
    public string MayBeOurs(ScopedTable table, string alias, TenantId tenant)
    {
        if (table.Tree is not null || (IsTree && table.Claims is [{ Step: not null, TypeColumn: null }]))
            return $"({Verdict(table, alias, tenant)}) IS NOT FALSE";
        if (table.Scope != TableScope.Derived)
            return Condition(table, alias, tenant);
        var others = NamesOthers(table, alias, tenant);
        return table.Claims is [{ TypeColumn: null }]
            ? $"NOT ({others})"
            : $"(({Condition(table, alias, tenant)}) IS TRUE OR ({others}) IS NOT TRUE)";
    }

    /// <summary>
    /// The condition that the references by which a row is the tenant's lead to some rows of another table; null when
    /// they do not lead there.
    /// </summary>
    /// <param name="among">The condition that a row with an alias is one of those.</param>
    public string? LeadsTo(ScopedTable table, TableName ancestor, Func<string, string> among) =>
        LeadsTo(table, "t", 0, ancestor, among);

    /// <summary>A row can be the tenant's in several ways, itself or by a row that it leads to.</summary>
    public bool HasAlternatives(ScopedTable table) =>
        table.Tree is null
        && (table.Claims.Count > 1 || table.Steps.Any(step => step.IsMany || HasAlternatives(this[step.To])));

    /// <summary>The tables through which a table's rows are the tenant's, where there is one way only.</summary>
    public IReadOnlyList<ForeignKey> PathOf(ScopedTable table) =>
        table is { Scope: TableScope.Derived, Claims: [{ Step: { } step }] } ? [step, .. PathOf(this[step.To])] : [];

    /// <summary>The columns of a direct table that could name its tenant; the first one does.</summary>
    public IReadOnlyList<string> TenantColumnsOf(ScopedTable table) =>
        table.Scope is TableScope.Direct or TableScope.Derived
            ? Classifier.TenantColumnsOf(catalog, tenancy, table.Table)
            : [];

    /// <summary>
    /// A foreign key whose rows never cross from one tenant to another: it carries the tenant on both ends, or it is
    /// the step by which the referring table belongs.
    /// </summary>
    public bool StaysInside(ForeignKey key)
    {
        var (from, to) = (this[key.From], this[key.To]);
        if (from.Claims is [{ Step: { } step }] && step == key)
            return !key.HasPeriod;
        return from.Scope == TableScope.Direct
            && to.Scope is TableScope.Root or TableScope.Direct
            && key.FromColumns.Zip(key.ToColumns)
                .Any(pair => pair.First == from.TenantColumn.Name && pair.Second == to.TenantColumn.Name);
    }

    /// <summary>
    /// Tenant tables with every table before those that reference it. Tables of one cycle stand next to each other.
    /// </summary>
    public IReadOnlyList<ScopedTable> ParentsFirst() => Components().SelectMany(component => component).ToArray();

    /// <summary>Strongly connected components of the graph of all that tables look at, parents first.</summary>
    public IReadOnlyList<IReadOnlyList<ScopedTable>> Components() =>
        ReferenceGraph.Components(
            TenantTables,
            [
                .. References.Select(key => (key.From, key.To)),
                .. Tables.SelectMany(table => table.Reads.Select(read => (table.Name, read))),
            ]
        );

    /// <summary>A condition of tenancy.json on a row with an alias. Its subqueries find the tenant's rows and no others.</summary>
    public string Where(RowCondition where, string alias, TenantId tenant) =>
        where.On(alias, tenant, name => RowsOf(name, tenant));

    /// <summary>The same on a row that has the name of its table. Only so can an index serve a condition with a subquery.</summary>
    public string WhereOnTable(RowCondition where, TenantId tenant) =>
        where.OnTable(tenant, name => RowsOf(name, tenant));

    string RowsOf(TableName name, TenantId tenant) =>
        $"SELECT o.* FROM {this[name].Table.From} o WHERE {Condition(this[name], "o", tenant)}";

    string Equal(ScopedTable table, Claim claim, string alias, TenantId tenant)
    {
        if (claim.Where is { } where)
            return Where(where, alias, tenant);
        var column = table.Table.Column(claim.Column!)!;
        return $"{alias}.{Sql.Identifier(column.Name)} {column.EqualTo(tenant.Key)}";
    }

    static string Any(IEnumerable<string> conditions)
    {
        var all = conditions.ToArray();
        return all.Length == 1 ? all[0] : $"({string.Join(" OR ", all)})";
    }

    string Verdict(ScopedTable table, string row, int depth, TenantId tenant) =>
        table.Tree is not null
            ? new TenantTree(table).Verdict(row, tenant.Key)
            : Any(
                table.Claims.Select(claim =>
                {
                    if (claim.Step is null)
                        return $"({Equal(table, claim, row, tenant)}) IS TRUE";
                    var names = string.Join(
                        " AND ",
                        claim.Names(row, name => table.Table.Column(name) is { NotNull: false })
                    );
                    var found = Found(claim.Step, row, depth, tenant);
                    return names.Length == 0 ? found : $"CASE WHEN {names} THEN {found} ELSE false END";
                })
            );

    // What the rows say that a row names; null where there are none. A row that is there may name, in its turn, a row that
    // another transaction is about to commit: where no constraint enforces that, nobody's today is the tenant's tomorrow.
    string Found(ForeignKey step, string row, int depth, TenantId tenant)
    {
        var (parent, join, belongs) = Step(step, row, depth, tenant);
        if (!MayLackAncestors(this[step.To]))
            return $"(SELECT bool_or(({belongs}) IS TRUE) FROM {parent} p{depth} WHERE {join})";
        var verdict = Verdict(this[step.To], "p" + depth, depth + 1, tenant);
        return $"""
            (SELECT CASE max(CASE {verdict} WHEN true THEN 2 WHEN false THEN 0 ELSE 1 END) WHEN 2 THEN true WHEN 0 THEN false END
             FROM {parent} p{depth} WHERE {join})
            """;
    }

    string Owned(ScopedTable table, string alias, int depth, TenantId tenant, bool ofAll = false)
    {
        if (table.Tree is not null)
            return new TenantTree(table).Contains(alias, tenant.Key);
        if (!ofAll || !HasPlainKey(table) || table.Claims is [{ Where: null or { HasSubquery: false } }])
            return Any(table.Claims.Select(claim => Way(table, claim, alias, depth, tenant, ofAll)));
        // Below an OR, PostgreSQL turns no EXISTS into a join, and reads the table.
        var (own, names) = ("x" + depth, table.Table.Key);
        var ways = table.Claims.Select(claim =>
            claim.Where is { HasSubquery: true } where
                ? $"SELECT {Sql.Identifiers(where.Alias, names)} FROM {table.Table.From} AS {where.Alias} "
                    + $"WHERE {WhereOnTable(where, tenant)}"
                : $"SELECT {Sql.Identifiers(own, names)} FROM {table.Table.From} {own} "
                    + $"WHERE {Way(table, claim, own, depth, tenant, ofAll)}"
        );
        return $"({Sql.Identifiers(alias, names)}) OPERATOR(pg_catalog.=) ANY ({string.Join(" UNION ALL ", ways)})";
    }

    string Way(ScopedTable table, Claim claim, string alias, int depth, TenantId tenant, bool ofAll)
    {
        if (claim.Step is null)
            return Equal(table, claim, alias, tenant);
        var (parent, join, belongs) = Step(claim.Step, alias, depth, tenant, ofAll);
        return $"{claim.OfType(alias)}EXISTS (SELECT FROM {parent} p{depth} WHERE {join} AND {belongs})";
    }

    static bool HasPlainKey(ScopedTable table) =>
        table.Table.Key.Count > 0
        && table.Table.Key.All(name => table.Table.Column(name) is { NotNull: true, OwnEquality: null });

    // A row whose parent is everybody's is everybody's too.
    string? OfEverybody(ScopedTable table, string alias, int depth)
    {
        if (table.Scope != TableScope.Derived)
            return ComesAlong(table, alias);
        var (name, ways) = ("p" + depth, new List<string>());
        foreach (var claim in table.Claims)
            if (claim.Step is { } step && OfEverybody(this[step.To], name, depth + 1) is { } parents)
                ways.Add(
                    $"{claim.OfType(alias)}EXISTS (SELECT FROM {this[step.To].Table.From} {name} "
                        + $"WHERE {step.Join(alias, name)} AND {parents})"
                );
        return ways.Count == 0 ? null : Any(ways);
    }

    // The parent with the alias pN: its table, the join to the row, and the condition under which it is the tenant's.
    (string Parent, string Join, string Belongs) Step(
        ForeignKey step,
        string alias,
        int depth,
        TenantId tenant,
        bool ofAll = false
    )
    {
        var (parent, name) = (this[step.To], "p" + depth);
        return (parent.Table.From, step.Join(alias, name), Owned(parent, name, depth + 1, tenant, ofAll));
    }

    string? LeadsTo(ScopedTable table, string alias, int depth, TableName ancestor, Func<string, string> among)
    {
        if (table.Tree is not null)
            return ancestor == table.Name ? new TenantTree(table).IsBelow(alias, among) : null;
        var name = "p" + depth;
        var ways = (
            from claim in table.Claims
            let step = claim.Step
            where step is not null
            let parent = this[step.To]
            let rest = step.To != ancestor ? LeadsTo(parent, name, depth + 1, ancestor, among)
            : parent.Tree is null ? among(name)
            : new TenantTree(parent).IsAmong(name, among)
            where rest is not null
            select $"{claim.OfType(alias)}EXISTS (SELECT FROM {this[step.To].Table.From} {name} "
                + $"WHERE {step.Join(alias, name)} AND {rest})"
        ).ToArray();
        return ways.Length == 0 ? null : Any(ways);
    }
}
