using Migrator.Connections;
using Migrator.Model;
using Migrator.Settings;
using Npgsql;

namespace Migrator.Scope;

/// <summary>Tenants above or below another one in a tree of tenants.</summary>
static class TreeOverlap
{
    /// <summary>How one of them is named to a person.</summary>
    public static string Label(string slug, string key) => $"{slug} (key {key})";

    /// <summary>Those that are isolated, as a person knows them; none where tenants are single rows.</summary>
    public static async Task<IReadOnlyList<string>> FindAsync(
        NpgsqlConnection shared,
        Tenancy tenancy,
        TenantScope scope,
        Tenant tenant,
        CancellationToken cancellationToken
    ) =>
        scope.Root.Tree is null
            ? []
            :
            [
                .. from one in await shared.QueryAsync<(string Slug, string Key)>(
                    $"""
                    SELECT t.{Sql.Identifier(tenancy.SlugColumn)}::text, t.{Sql.Identifier(tenancy.KeyColumn)}::text
                    FROM {scope.Root.Table.From} t
                    WHERE {Others(scope, tenant)} AND t.{Sql.Identifier(
                        tenancy.ModeColumn
                    )}::text = @IsolatedMode ORDER BY 1
                    """,
                    new { Tenant.IsolatedMode },
                    cancellationToken
                )
                select Label(one.Slug, one.Key),
            ];

    /// <summary>The tenant above a row whose database has a name; null where there is none.</summary>
    public static async Task<(Slug Slug, string Key)?> AboveAsync(
        NpgsqlConnection shared,
        Tenancy tenancy,
        string key,
        string database,
        CancellationToken cancellationToken
    )
    {
        var (id, parent) = (Sql.Identifier(tenancy.KeyColumn), Sql.Identifier(tenancy.SubtreeColumn!));
        foreach (
            var one in await shared.QueryAsync<(string Slug, string Key)>(
                $"""
                WITH RECURSIVE up (key, parent, slug) AS (
                    SELECT {id}::text, {parent}::text, {Sql.Identifier(tenancy.SlugColumn)}::text
                    FROM {tenancy.Table.Quoted} WHERE {id}::text = @key
                    UNION SELECT r.{id}::text, r.{parent}::text, r.{Sql.Identifier(tenancy.SlugColumn)}::text
                    FROM {tenancy.Table.Quoted} r JOIN up ON r.{id}::text = up.parent)
                SELECT slug, key FROM up
                """,
                new { key },
                cancellationToken
            )
        )
            if (Slug.TryParse(one.Slug, out var slug) && slug.DatabaseName == database)
                return (slug, one.Key);
        return null;
    }

    /// <summary>The keys of all of them, as text.</summary>
    public static Task<IReadOnlyList<string>> KeysAsync(
        NpgsqlConnection shared,
        TenantScope scope,
        Tenant tenant,
        CancellationToken cancellationToken
    ) =>
        shared.QueryAsync<string>(
            $"SELECT t.{Sql.Identifier(scope.Root.TenantColumn.Name)}::text FROM {scope.Root.Table.From} t "
                + $"WHERE {Others(scope, tenant)}",
            cancellationToken
        );

    static string Others(TenantScope scope, Tenant tenant)
    {
        var (root, tree) = (scope.Root, new TenantTree(scope.Root));
        var key = Sql.Identifier(root.TenantColumn.Name);
        return $"({tree.Is("t", tenant.Key)}) IS NOT TRUE AND ({tree.Contains("t", tenant.Key)} "
            + $"OR t.{key} {root.TenantColumn.Equality} ANY (ARRAY({tree.Up(one => tree.Is(one, tenant.Key))} SELECT {key} FROM up)))";
    }
}
