using Migrator.Model;

namespace Migrator.Messages;

/// <summary>What is wrong with the tenant that was named.</summary>
static class TenantMessages
{
    public static MigratorException TenantNotFound(Slug slug, IReadOnlyList<string> similar) =>
        MigratorException.Usage(
            similar.Count switch
            {
                0 => $"Tenant '{slug}' not found, and no tenant begins with '{slug.Text[0]}'. "
                    + "Check the slug, and that DB_NAME is the shared database; 'migrator list' shows all tenants.",
                1 => $"Tenant '{slug}' not found. Did you mean '{similar[0]}'?",
                _ => $"Tenant '{slug}' not found. {similar.Count} tenants begin with "
                    + $"'{Wording.CommonStart(slug.Text, similar[0])}': {string.Join(", ", similar.Take(5))}"
                    + $"{(similar.Count > 5 ? ", …" : "")}. 'migrator list' shows all.",
            }
        );

    public static MigratorException TenantAmbiguous(Slug slug, int rows, TableName tenants, string slugColumn) =>
        MigratorException.Refused(
            $"{rows} rows of {tenants} have the slug '{slug}'. "
                + $"Make {slugColumn} unique, or name the right column in tenancy.json (tenants.slug)."
        );

    /// <param name="place">Where tenancy.json names it.</param>
    public static string TenantsTableMissing(TableName tenants, string? place, string database) =>
        $"Database {database} has no table {tenants}{Wording.At(place)} that this role may see. "
        + "Name the tenants table in tenancy.json: {\"tenants\": {\"table\": \"schema.name\"}}.";

    /// <param name="place">Where tenancy.json names it.</param>
    public static string TenantsColumnMissing(TableName tenants, string column, string? place, string? definition) =>
        $"Table {tenants} has no column {column}{Wording.At(place)}. "
        + (
            definition is null
                ? "Name the key and slug columns in tenancy.json: "
                    + "{\"tenants\": {\"key\": \"…\", \"slug\": \"…\"}}."
                : $"Run ALTER TABLE {tenants.Quoted} ADD COLUMN {Sql.Identifier(column)} {definition}, "
                    + "or name the column in tenancy.json under \"tenants\"."
        );

    public static string UnknownMode(Slug slug, string mode) =>
        $"Tenant '{slug}' has isolation mode '{mode}', which is neither shared nor isolated. "
        + "Set the mode to shared if the tenant's rows are in the shared database.";
}
