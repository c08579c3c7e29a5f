using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Settings;
using Npgsql;

namespace Migrator.Scope;

/// <summary>Guesses which table has one row per tenant, and which columns of others name it.</summary>
sealed class GuessedTenants(Catalog catalog, Tenancy given, List<string> notes)
{
    static readonly string[] UsualTables =
    [
        "tenant",
        "organization",
        "organisation",
        "org",
        "account",
        "workspace",
        "company",
        "team",
        "namespace",
        "customer",
    ];

    static readonly string[] UsualSlugs = ["slug", "subdomain", "handle", "key", "code", "identifier", "name"];

    /// <summary>The settings with the tenants' table as it seems to be; those that were given, where they fit.</summary>
    /// <param name="slug">A tenant, by whom the slug's column is known; null if nobody is named.</param>
    /// <exception cref="MigratorException">No table looks like it.</exception>
    public async Task<Tenancy> FindAsync(NpgsqlConnection connection, Slug? slug, CancellationToken cancellationToken)
    {
        var root = catalog.Find(given.Table);
        if (root is null)
        {
            root =
                catalog
                    .Tables.Where(table => table.Key.Count == 1 && SlugsOf(table).Any())
                    .OrderByDescending(Weight)
                    .FirstOrDefault(table => Weight(table) > 0)
                ?? throw ScopeMessages.NoTenantsTable();
            notes.Add(
                ScopeMessages.GuessedTenantsTable(root.Name, catalog.ForeignKeys.Count(key => key.To == root.Name))
            );
        }
        var tenancy = given with { Table = root.Name };
        if (root.Column(tenancy.KeyColumn) is null)
            tenancy = tenancy with { KeyColumn = root.Key[0] };
        if (root.Column(tenancy.SlugColumn) is null)
            tenancy = tenancy with { SlugColumn = await SlugOfAsync(connection, root, slug, cancellationToken) };
        foreach (
            var (column, definition) in new[]
            {
                (tenancy.ModeColumn, "text NOT NULL DEFAULT 'shared'"),
                (tenancy.SettingsColumn, "jsonb NOT NULL DEFAULT '{}'"),
            }
        )
            if (root.Column(column) is null)
                notes.Add(ScopeMessages.TenantsNeed(root.Name, column, definition));
        return tenancy with
        {
            TenantColumns = ColumnsOf(tenancy, root),
            SubtreeColumn = given.SubtreeColumn ?? await SubtreeOfAsync(connection, tenancy, root, cancellationToken),
        };
    }

    // By a foreign key, or by the usual name; where no row is below another, a tenant is a single row.
    async Task<string?> SubtreeOfAsync(
        NpgsqlConnection connection,
        Tenancy tenancy,
        TableDefinition root,
        CancellationToken cancellationToken
    )
    {
        var column =
            catalog
                .ForeignKeys.FirstOrDefault(key =>
                    key.From == root.Name && key is { FromColumns.Count: 1 } && key.To == root.Name
                )
                ?.FromColumns[0]
            ?? "parent_id";
        if (
            RuledKeys.Tree(catalog, tenancy with { SubtreeColumn = column }) is null
            || !await connection.ExecuteScalarAsync<bool>(
                $"SELECT EXISTS (SELECT FROM {root.From} t WHERE t.{Sql.Identifier(column)} IS NOT NULL)",
                cancellationToken
            )
        )
            return null;
        notes.Add(ScopeMessages.GuessedSubtree(root.Name, column));
        return column;
    }

    // References count most, a usual name helps.
    int Weight(TableDefinition table) =>
        3 * catalog.ForeignKeys.Count(key => key.To == table.Name)
        + 2
            * catalog.Tables.Count(other =>
                other.Columns.Any(column => GuessedNames.TargetOf(catalog, other, column) == table)
            )
        + (UsualTables.Contains(GuessedNames.Singular(table.Name.Name)) ? 1_000 : 0)
        - (table.Columns.Any(column => GuessedNames.OfPeople().IsMatch(column.Name)) ? 1_000 : 0);

    static IEnumerable<string> SlugsOf(TableDefinition table) =>
        UsualSlugs.Where(name => table.Column(name) is { Family: "text" or "citext" or "public.citext" });

    // The column that has the tenant's slug, or where no tenant is named, nothing but slugs.
    static async Task<string> SlugOfAsync(
        NpgsqlConnection connection,
        TableDefinition root,
        Slug? slug,
        CancellationToken cancellationToken
    )
    {
        var columns = SlugsOf(root).ToArray();
        foreach (var column in columns)
            if (
                await connection.ExecuteScalarAsync<bool>(
                    $"""
                    SELECT coalesce(CASE WHEN @slug = '' THEN bool_and(coalesce(slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$', false))
                                    ELSE bool_or(slug = @slug) END, false)
                    FROM (SELECT {Sql.Identifier(column)}::text AS slug FROM {root.From} t) s
                    """,
                    new { slug = slug?.Text ?? "" },
                    cancellationToken
                )
            )
                return column;
        return columns.FirstOrDefault() ?? throw ScopeMessages.NoSlug(root.Name);
    }

    // What is called after the tenants' table, and what several tables refer to it by: a single column of another name
    // (last_org_id) is rather a memory than an owner.
    IReadOnlyList<string> ColumnsOf(Tenancy tenancy, TableDefinition root)
    {
        var byKey = catalog
            .ForeignKeys.Where(key => key.To == root.Name && key.FromColumns.Count == 1 && key.From != root.Name)
            .GroupBy(key => key.FromColumns[0])
            .Where(group => group.Select(key => key.From).Distinct().Count() > 1)
            .Select(group => group.Key);
        var byName = catalog
            .Tables.Where(table => table.Name != root.Name)
            .SelectMany(table =>
                table.Columns.Where(column =>
                    (column.Name == "tenant_id" || GuessedNames.TargetOf(catalog, table, column) == root)
                    && Classifier.HoldsKey(catalog, tenancy, column)
                )
            )
            .Select(column => column.Name);
        var names = given.TenantColumns.Where(name => catalog.Tables.Any(table => table.Column(name) is not null));
        string[] all = [.. names.Concat(byName).Concat(byKey).Distinct()];
        if (all.Length > 0)
            notes.Add(ScopeMessages.GuessedTenantColumns(all));
        return all.Length > 0 ? all : given.TenantColumns;
    }
}
