using Migrator.Model;

namespace Migrator.Settings;

/// <summary>
/// How the application separates its tenants: the content of <c>tenancy.json</c>, with defaults that fit a
/// table <c>tenants(id, slug)</c> and a column <c>tenant_id</c> in all other tables.
/// </summary>
public sealed record Tenancy
{
    static readonly string[] Lists = ["reference", "ignored", "derived"];

    /// <summary>The root table, one row per tenant.</summary>
    public TableName Table { get; init; } = new("public", "tenants");

    public string KeyColumn { get; init; } = "id";

    public string SlugColumn { get; init; } = "slug";

    /// <summary>Column of the root table that says <c>shared</c> or <c>isolated</c>.</summary>
    public string ModeColumn { get; init; } = "isolation_mode";

    /// <summary>
    /// Column of the root table with the key of the tenant above: a tenant is then its row and all rows below. Null where a
    /// tenant is one row.
    /// </summary>
    public string? SubtreeColumn { get; init; }

    /// <summary>JSON column of the root table that receives the key <c>isolation</c>.</summary>
    public string SettingsColumn { get; init; } = "settings";

    /// <summary>The column that names the tenant in every other table.</summary>
    public string TenantColumn { get; init; } = "tenant_id";

    /// <summary>The columns that may name the tenant, where tables differ.</summary>
    public IReadOnlyList<string> TenantColumns
    {
        get => field ?? [TenantColumn];
        init;
    }

    /// <summary>What is said of single tables.</summary>
    public IReadOnlyDictionary<TableName, TableRule> Rules { get; init; } = new Dictionary<TableName, TableRule>();

    /// <summary>Where the rule of a table stands in the file.</summary>
    public IReadOnlyDictionary<TableName, string> RulePlaces { get; init; } = new Dictionary<TableName, string>();

    /// <summary>Where other texts stand in the file, by their key: tenants.slug, ignored.public.jobs.</summary>
    public IReadOnlyDictionary<string, string> Places { get; init; } = new Dictionary<string, string>();

    /// <summary>Tables whose rows belong to no tenant; they are copied whole.</summary>
    public IReadOnlyList<TableName> Reference { get; init; } = [];

    /// <summary>Tables whose rows are not copied; only their definition is cloned.</summary>
    public IReadOnlyList<TableName> Ignored { get; init; } = [];

    /// <summary>
    /// For tables with several paths to a tenant: the foreign key (its name, or its columns) to follow.
    /// </summary>
    public IReadOnlyDictionary<TableName, string> Derived { get; init; } = new Dictionary<TableName, string>();

    /// <summary>The role that may use the tables; the application logs in as it, or as a member.</summary>
    public string ApplicationRole { get; init; } = "application_role";

    /// <summary>The role that the application logs in with, if it is a member of <see cref="ApplicationRole"/>.</summary>
    public string? ApplicationLogin { get; init; }

    /// <summary>That login's password, from the environment only; null if the login cannot be tried.</summary>
    public string? ApplicationPassword { get; init; }

    /// <summary>The configuration parameter that the row-level security policies read.</summary>
    public string TenantSetting { get; init; } = "app.current_tenant_id";

    /// <summary>The domain of the tenant's end points.</summary>
    public string Domain { get; init; } = "factory.local";

    /// <summary>
    /// The schema version written into <c>settings.isolation</c>; null takes the version from the application's
    /// migration history.
    /// </summary>
    public string? MigrationVersion { get; init; }

    /// <summary>Who is told what happens to tenants.</summary>
    public IReadOnlyList<Hook> Hooks { get; init; } = [];

    /// <summary>Where the file says whose the rows of a table are; the schema public may be left out there.</summary>
    public string? PlaceOf(TableName table) =>
        RulePlaces.GetValueOrDefault(table)
        ?? Lists
            .SelectMany(key => new[] { $"{key}.{table}", table.Schema == "public" ? $"{key}.{table.Name}" : "" })
            .Select(key => Places.GetValueOrDefault(key))
            .FirstOrDefault(place => place is not null);

    /// <summary>The names of the hooks that are told of an event.</summary>
    public IReadOnlyList<string> HooksOf(string happened) =>
        [.. Hooks.Where(hook => hook.On.Contains(happened)).Select(hook => hook.Name)];
}
