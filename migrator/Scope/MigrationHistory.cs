using Migrator.Connections;
using Migrator.Model;
using Npgsql;

namespace Migrator.Scope;

/// <summary>
/// The tables in which schema-migration tools record their migrations: reference data that every copy of a
/// schema needs.
/// </summary>
public static class MigrationHistory
{
    // Table name → the column that orders its versions.
    static readonly Dictionary<string, string> Known = new()
    {
        ["schema_migrations"] = "version", // Rails, golang-migrate, dbmate
        ["__EFMigrationsHistory"] = "MigrationId", // Entity Framework Core
        ["flyway_schema_history"] = "version",
        ["alembic_version"] = "version_num",
        ["databasechangelog"] = "orderexecuted", // Liquibase
        ["databasechangeloglock"] = "id",
        ["django_migrations"] = "id",
        ["_prisma_migrations"] = "migration_name",
        ["knex_migrations"] = "name",
        ["knex_migrations_lock"] = "index",
        ["ar_internal_metadata"] = "value",
        ["goose_db_version"] = "version_id",
        ["atlas_schema_revisions"] = "version",
        ["SequelizeMeta"] = "name",
        ["schemaversions"] = "schemaversionsid", // DbUp
    };

    public static bool Knows(string table) => Known.ContainsKey(table);

    /// <summary>The newest version that a migration tool recorded; null if there is no such table.</summary>
    public static async Task<string?> LatestAsync(
        NpgsqlConnection connection,
        TenantScope scope,
        CancellationToken cancellationToken
    )
    {
        foreach (var table in scope.Tables.Select(scoped => scoped.Table))
        {
            if (!Known.TryGetValue(table.Name.Name, out var column) || table.Column(column) is null)
                continue;
            var newest = await connection.ExecuteScalarAsync<string?>(
                $"SELECT {Sql.Identifier(column)}::text FROM {table.From} "
                    + $"ORDER BY {Sql.Identifier(column)} DESC NULLS LAST LIMIT 1",
                cancellationToken
            );
            if (newest is not null)
                return newest;
        }
        return null;
    }
}
