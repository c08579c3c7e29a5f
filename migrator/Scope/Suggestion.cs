using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Settings;
using Npgsql;

namespace Migrator.Scope;

/// <summary>
/// A tenancy.json that the catalog and a look at some rows suggest. Everything that is guessed is said; what is already
/// given is kept.
/// </summary>
public sealed class Suggestion
{
    // So many rows are looked at where only rows can tell.
    const int Sample = 10_000;

    readonly NpgsqlConnection connection;
    readonly Catalog catalog;
    readonly List<string> notes;
    readonly Dictionary<TableName, TableRule> rules;
    readonly List<TableName> reference;
    readonly List<TableName> ignored;
    readonly HashSet<TableName> people = [];
    Tenancy tenancy;

    Suggestion(NpgsqlConnection connection, Catalog catalog, Tenancy tenancy, List<string> notes)
    {
        (this.connection, this.catalog, this.tenancy, this.notes) = (connection, catalog, tenancy, notes);
        rules = new(tenancy.Rules);
        reference = [.. tenancy.Reference];
        ignored = [.. tenancy.Ignored];
    }

    /// <summary>Reads the catalog and samples of the rows.</summary>
    /// <param name="given">What the settings say already.</param>
    /// <param name="slug">A tenant, by whom the slug's column is known; null if nobody is named.</param>
    /// <returns>The settings, and one sentence for each guess.</returns>
    /// <exception cref="MigratorException">No table looks like that of the tenants.</exception>
    public static async Task<(Tenancy Tenancy, IReadOnlyList<string> Notes)> ReadAsync(
        NpgsqlConnection connection,
        Tenancy given,
        Slug? slug,
        CancellationToken cancellationToken
    )
    {
        var catalog = await Catalog.ReadAsync(connection, cancellationToken);
        var notes = new List<string>();
        if (catalog.Strangers(given.Table) is { Count: > 0 } strangers)
        {
            notes.Add(ScopeMessages.TablesOfStrangers(strangers.Select(table => table.Name)));
            catalog = catalog.Without(strangers.Contains);
        }
        var tenancy = await new GuessedTenants(catalog, given, notes).FindAsync(connection, slug, cancellationToken);
        var suggestion = new Suggestion(connection, catalog, tenancy, notes);
        await suggestion.RunAsync(cancellationToken);
        return (suggestion.tenancy, notes);
    }

    async Task RunAsync(CancellationToken cancellationToken)
    {
        foreach (var table in Silent().Where(table => table.Name != tenancy.Table))
            await LookAtOwnersAsync(table, cancellationToken);
        AddPeople();
        // Each rule may make other tables the tenant's.
        while (await AddParentsAsync(cancellationToken)) { }
        AddPeople();
        foreach (var name in people)
            notes.Add(Said(name, rules[name], "the rows are people, whom rows of several tenants may name"));
        foreach (var table in Classify().Unclassified)
            AddRest(table);
        Apply();
    }

    IEnumerable<TableDefinition> Silent() =>
        catalog.Tables.Where(table =>
            !rules.ContainsKey(table.Name)
            && !reference.Contains(table.Name)
            && !ignored.Contains(table.Name)
            && !tenancy.Derived.ContainsKey(table.Name)
        );

    TenantScope Classify()
    {
        Apply();
        return TenantScope.Classify(catalog, tenancy);
    }

    void Apply() =>
        tenancy = tenancy with
        {
            Rules = new Dictionary<TableName, TableRule>(rules),
            Reference = [.. reference],
            Ignored = [.. ignored],
        };

    void Add(TableName name, TableRule rule, string why)
    {
        rules[name] = rule;
        notes.Add(Said(name, rule, why));
    }

    static string Said(TableName name, TableRule rule, string why) =>
        ScopeMessages.Guessed(name, RuleJson.Of(rule).ToJsonString(), why);

    // A table with a tenant column that is null in some rows: another reference tells, or the rows are everybody's.
    async Task LookAtOwnersAsync(TableDefinition table, CancellationToken cancellationToken)
    {
        var columns = Classifier.TenantColumnsOf(catalog, tenancy, table);
        if (columns.Count == 0 || table.Column(columns[0]) is not { NotNull: false } column)
            return;
        if (!await HasAsync(table, $"{Sql.Identifier(column.Name)} IS NULL", cancellationToken))
            return;
        var scope = Classify();
        TableRule[] parents =
        [
            .. Parents(table, scope)
                .Where(one => one.To != tenancy.Table && one.From != column.Name)
                .Select(one => new BelongsToRule(one.To, new Dictionary<string, string> { [one.From] = one.Key })),
        ];
        if (parents.Length > 0)
            Add(
                table.Name,
                new AnyOfRule([new TenantRule(column.Name), .. parents]),
                $"{column.Name} is null in some rows"
            );
        else if (tenancy.SubtreeColumn is null)
            Add(
                table.Name,
                new TenantRule(column.Name, NullIsGlobal: true),
                $"{column.Name} is null in some rows, which are taken for everybody's"
            );
    }

    // Tables of people, which the rows of several tenants name: of more rows with each table that gets a rule.
    void AddPeople()
    {
        var scope = Classify();
        foreach (var table in catalog.Tables.Where(table => table.Key.Count == 1 && table.Name != tenancy.Table))
        {
            if (
                !table.Columns.Any(column => GuessedNames.OfPeople().IsMatch(column.Name))
                || Classifier.TenantColumnsOf(catalog, tenancy, table).Count > 0
                || !(people.Contains(table.Name) || Silent().Contains(table))
            )
                continue;
            NamingColumn[] names =
            [
                .. from other in catalog.Tables
                where
                    other.Name != table.Name
                    && other.Name != tenancy.Table
                    && IsTenantData(scope, other.Name, table.Name)
                from name in NamesOf(other, table)
                select new NamingColumn(other.Name, name),
            ];
            string[] blank =
            [
                .. catalog
                    .ForeignKeys.Where(key => key.From == table.Name && key.To == tenancy.Table)
                    .SelectMany(key => key.FromColumns)
                    .Where(name => table.Column(name) is { NotNull: false }),
            ];
            if (names.Length == 0)
                continue;
            people.Add(table.Name);
            rules[table.Name] = new SharedThroughRule(names, blank);
        }
    }

    // Columns of a table that refer to another by a foreign key, or by their name.
    IEnumerable<string> NamesOf(TableDefinition from, TableDefinition to) =>
        catalog
            .ForeignKeys.Where(key => key.From == from.Name && key.To == to.Name && key.FromColumns.Count == 1)
            .Select(key => key.FromColumns[0])
            .Concat(
                from.Columns.Where(column => GuessedNames.TargetOf(catalog, from, column) == to)
                    .Select(column => column.Name)
            )
            .Distinct();

    // A table that belongs to the people themselves does not make them the tenant's.
    static bool IsTenantData(TenantScope scope, TableName name, TableName people) =>
        scope.Tables.FirstOrDefault(one => one.Name == name) is { IsTenantData: true } table
        && !scope.PathOf(table).Any(step => step.To == people);

    IEnumerable<(string From, TableName To, string Key)> Parents(TableDefinition table, TenantScope scope)
    {
        foreach (var column in table.Columns)
        {
            var declared = catalog.ForeignKeys.FirstOrDefault(key =>
                key.From == table.Name && key.FromColumns.Count == 1 && key.FromColumns[0] == column.Name
            );
            var to = declared is null ? GuessedNames.TargetOf(catalog, table, column) : catalog.Find(declared.To);
            if (
                to is { Key: [var key] }
                && to.Name != table.Name
                && (declared is null || declared.ToColumns[0] == key)
                && scope.Tables.Any(one => one.Name == to.Name && one.IsTenantData)
            )
                yield return (column.Name, to.Name, key);
        }
    }

    async Task<bool> AddParentsAsync(CancellationToken cancellationToken)
    {
        var scope = Classify();
        var before = rules.Count;
        foreach (var table in scope.Unclassified.Where(table => !rules.ContainsKey(table.Name)))
        {
            if (await ByTypeAsync(table, scope, cancellationToken) is { } byType)
            {
                Add(table.Name, byType, "a column of type and a column with a key stand side by side");
                continue;
            }
            var parents = Parents(table, scope).Where(one => one.To != tenancy.Table).ToArray();
            var required = parents.Where(one => table.Column(one.From)!.NotNull).ToArray();
            BelongsToRule Of((string From, TableName To, string Key) one) =>
                new(one.To, new Dictionary<string, string> { [one.From] = one.Key });
            if (required.Length > 0 || parents.Length == 1)
                Add(table.Name, Of(required.Concat(parents).First()), "the column is called after that table");
            else if (parents.Length > 1)
                Add(table.Name, new AnyOfRule([.. parents.Select(Of)]), "each of these columns may be null");
        }
        return rules.Count > before;
    }

    // Values of the type as the rows have them, each with the table of that name.
    async Task<ByTypeRule?> ByTypeAsync(TableDefinition table, TenantScope scope, CancellationToken cancellationToken)
    {
        foreach (var id in table.Columns.Where(column => column.Name.EndsWith("_id", StringComparison.Ordinal)))
        {
            if (table.Column(id.Name[..^3] + "_type") is not { Family: "text" } type)
                continue;
            var to = new Dictionary<string, TableName>();
            var values = await connection.QueryAsync<string>(
                $"""
                SELECT DISTINCT v FROM (SELECT {Sql.Identifier(
                    type.Name
                )}::text AS v FROM {table.From} t LIMIT {Sample}) s
                WHERE v IS NOT NULL ORDER BY 1
                """,
                cancellationToken
            );
            foreach (var value in values)
                if (
                    GuessedNames.Named(catalog, table.Name, value) is { Key: [var key] } target
                    && target.Column(key)!.Family == id.Family
                )
                    to.Add(value, target.Name);
                else
                    notes.Add(ScopeMessages.NoTableForType(table.Name, type.Name, value));
            if (to.Values.Any(name => scope.Tables.Any(one => one.Name == name && one.IsTenantData)))
                return new(type.Name, id.Name, to);
        }
        return null;
    }

    // Whatever leads nowhere: lists that tenant rows name, or rows of the moment.
    void AddRest(TableDefinition table)
    {
        var isNamed = catalog.ForeignKeys.Any(key => key.To == table.Name && key.From != table.Name);
        var isPrivate = table.Columns.Any(column => GuessedNames.OfPeople().IsMatch(column.Name));
        if (isNamed && !isPrivate)
        {
            reference.Add(table.Name);
            notes.Add(ScopeMessages.Guessed(table.Name, "\"reference\"", "tenants' rows name its rows"));
            return;
        }
        ignored.Add(table.Name);
        notes.Add(
            ScopeMessages.Guessed(
                table.Name,
                "\"ignored\"",
                GuessedNames.Passing().IsMatch(table.Name.Name)
                    ? "its rows seem to be of the moment"
                    : "nothing tells whose its rows are: look whether the tenant needs them"
            )
        );
    }

    Task<bool> HasAsync(TableDefinition table, string condition, CancellationToken cancellationToken) =>
        connection.ExecuteScalarAsync<bool>(
            $"SELECT EXISTS (SELECT FROM (SELECT * FROM {table.From} t LIMIT {Sample}) s WHERE {condition})",
            cancellationToken
        );
}
