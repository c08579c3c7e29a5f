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

    /// <exception cref="MigratorException">The settings name a table or a column that is not there.</exception>
    public static async Task RequireColumnsAsync(
        NpgsqlConnection connection,
        Tenancy tenancy,
        CancellationToken cancellationToken
    )
    {
        var missing = await MissingColumnsAsync(connection, tenancy, cancellationToken);
        if (missing.Count > 0)
            throw MigratorException.Refused(string.Join("\n", missing));
    }

    /// <summary>
    /// A sentence for the tenants' table, or each of its columns, that is not there. Without the mode and settings columns no
    /// flip is possible; without key and slug there is no tenant.
    /// </summary>
    public static async Task<IReadOnlyList<string>> MissingColumnsAsync(
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
        string? PlaceOf(string key) => tenancy.Places.GetValueOrDefault($"tenants.{key}");
        if (columns.Count == 0)
            return [TenantMessages.TenantsTableMissing(tenancy.Table, PlaceOf("table"), connection.Database)];
        (string Column, string Key, string? Definition)[] needed =
        [
            (tenancy.KeyColumn, "key", null),
            (tenancy.SlugColumn, "slug", null),
            (tenancy.ModeColumn, "isolation_mode", "text NOT NULL DEFAULT 'shared'"),
            (tenancy.SettingsColumn, "settings", "jsonb NOT NULL DEFAULT '{}'"),
        ];
        return
        [
            .. needed
                .Where(one => !columns.Contains(one.Column))
                .Select(one =>
                    TenantMessages.TenantsColumnMissing(tenancy.Table, one.Column, PlaceOf(one.Key), one.Definition)
                ),
        ];
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
