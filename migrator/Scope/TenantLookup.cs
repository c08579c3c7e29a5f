using System.Text.Json.Nodes;
using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Settings;
using Npgsql;

namespace Migrator.Scope;

/// <summary>Finds a tenant's row in the tenants table.</summary>
public static class TenantLookup
{
    /// <exception cref="MigratorException">There is no such tenant, or no such table.</exception>
    public static async Task<Tenant> FindAsync(
        NpgsqlConnection connection,
        Tenancy tenancy,
        Slug slug,
        CancellationToken cancellationToken
    )
    {
        await RequireColumnsAsync(connection, tenancy, cancellationToken);
        var rows = (
            await connection.QueryAsync<(string Key, string Mode, string Row)>(
                $"""
                    SELECT {Sql.Identifier(tenancy.KeyColumn)}::text, {Sql.Identifier(
                        tenancy.ModeColumn
                    )}::text, to_jsonb(t)::text
                    FROM {tenancy.Table.Quoted} t WHERE {Sql.Identifier(tenancy.SlugColumn)}::text = @slug
                    """,
                new { slug = slug.Text },
                cancellationToken
            )
        ).ToArray();
        if (rows.Length == 1)
        {
            var columns = JsonNode.Parse(rows[0].Row)!.AsObject();
            // The flip of a tree says in each row where the tree is.
            if (
                tenancy.SubtreeColumn is { } above
                && columns[above] is not null
                && (columns[tenancy.SettingsColumn] as JsonObject)?["isolation"]?["isolated_db_name"]?.ToString()
                    is { } database
                && database != slug.DatabaseName
            )
                throw TreeMessages.PartOfATree(
                    slug,
                    rows[0].Key,
                    await TreeOverlap.AboveAsync(connection, tenancy, rows[0].Key, database, cancellationToken),
                    database
                );
            return new(slug, rows[0].Key, rows[0].Mode ?? "", columns);
        }
        if (rows.Length > 1)
            throw TenantMessages.TenantAmbiguous(slug, rows.Length, tenancy.Table, tenancy.SlugColumn);
        throw TenantMessages.TenantNotFound(slug, await SimilarAsync(connection, tenancy, slug, cancellationToken));
    }

    /// <summary>Without the mode and settings columns no flip is possible; without key and slug there is no tenant.</summary>
    /// <exception cref="MigratorException">The settings name a table or a column that is not there.</exception>
    public static async Task RequireColumnsAsync(
        NpgsqlConnection connection,
        Tenancy tenancy,
        CancellationToken cancellationToken
    )
    {
        var columns = (
            await connection.QueryAsync<string>(
                """
                SELECT attname::text FROM pg_attribute
                WHERE attrelid = to_regclass(@table) AND attnum > 0 AND NOT attisdropped
                """,
                new { table = tenancy.Table.Quoted },
                cancellationToken
            )
        ).ToHashSet();
        if (columns.Count == 0)
            throw TenantMessages.TenantsTableMissing(tenancy.Table, connection.Database);
        foreach (
            var (column, definition) in new[]
            {
                (tenancy.KeyColumn, null),
                (tenancy.SlugColumn, null),
                (tenancy.ModeColumn, "text NOT NULL DEFAULT 'shared'"),
                (tenancy.SettingsColumn, "jsonb NOT NULL DEFAULT '{}'"),
            }
        )
            if (!columns.Contains(column))
                throw TenantMessages.TenantsColumnMissing(tenancy.Table, column, definition);
    }

    // Tenants whose slug has the same beginning, for a user who mistyped one.
    static async Task<IReadOnlyList<string>> SimilarAsync(
        NpgsqlConnection connection,
        Tenancy tenancy,
        Slug slug,
        CancellationToken cancellationToken
    )
    {
        var column = Sql.Identifier(tenancy.SlugColumn);
        for (var length = slug.Text.Length; length > 0; length--)
        {
            var found = (
                await connection.QueryAsync<string>(
                    $"SELECT {column}::text FROM {tenancy.Table.Quoted} "
                        + $"WHERE starts_with({column}::text, @start) ORDER BY 1",
                    new { start = slug.Text[..length] },
                    cancellationToken
                )
            ).ToArray();
            if (found.Length > 0)
                return found;
        }
        return [];
    }
}
