using Dapper;
using Migrator.Embedded;
using Migrator.Model;
using Npgsql;

namespace Migrator.Demo;

/// <summary>The size of the sample database, and the seed of its rows.</summary>
/// <param name="MainRows">Rows of <see cref="SampleDatabase.MainSlug"/> in all tables together, approximately.</param>
/// <param name="OtherTenants">The number of other tenants in the database.</param>
/// <param name="OtherRows">
/// Rows of the largest other tenant; the others have between a third of that number and all of it.
/// </param>
/// <param name="Seed">The same seed gives the same rows.</param>
public sealed record SampleSize(long MainRows = 200_000, int OtherTenants = 10, long OtherRows = 6_000, int Seed = 1);

/// <summary>The shared database of an invented company, for demo, tests and benchmark.</summary>
public static class SampleDatabase
{
    /// <summary>The database's name.</summary>
    public const string Name = "factorydb";

    /// <summary>The role that owns all objects and that the migrator runs as; not a superuser.</summary>
    public const string Admin = "factoryadmin";

    /// <summary>The role the application connects as; row-level security applies to it.</summary>
    public const string Application = "application_role";

    /// <summary>The tenant to promote.</summary>
    public const string MainSlug = "acme-corp";

    /// <summary>Tables without tenant data, which the settings must name.</summary>
    public static IReadOnlyList<string> ReferenceTables { get; } = ["public.plans", "public.feature_flags"];

    const string Tenants = """
        CREATE TEMPORARY TABLE sample_tenants AS
            SELECT md5(slug || @Seed)::uuid AS tenant_id, hashtextextended(slug, @Seed) AS salt,
                   slug, total, plan, place
            FROM unnest(@Slugs, @Totals, @Plans) WITH ORDINALITY AS given (slug, total, plan, place);

        INSERT INTO tenants (id, slug, name, plan, settings, created_at, updated_at)
        SELECT tenant_id, slug, initcap(replace(slug, '-', ' ')), plan,
            jsonb_build_object('theme', 'dark', 'locale', 'en', 'limits', jsonb_build_object('seats', 10 * place)),
            timestamptz '2025-06-01 08:00:00+00' + place * interval '1 day', timestamptz '2025-06-20 08:00:00+00'
        FROM sample_tenants;
        """;

    static readonly string[] OtherSlugs =
    [
        "globex",
        "initech",
        "acme-labs",
        "hooli",
        "umbrella",
        "aperture",
        "stark-industries",
        "tyrell",
        "cyberdyne",
        "wayne-enterprises",
    ];

    /// <summary>Creates the two roles, on the target's server too if that is another one.</summary>
    public static async Task CreateRolesAsync(EmbeddedCluster cluster, CancellationToken cancellationToken = default)
    {
        await cluster.CreateRoleAsync(
            Admin,
            "LOGIN CREATEDB CREATEROLE REPLICATION",
            cancellationToken: cancellationToken
        );
        await cluster.CreateRoleAsync(Application, "LOGIN", creator: Admin, cancellationToken: cancellationToken);
    }

    /// <summary>Creates the database with its schema and reference rows. The roles must exist.</summary>
    public static async Task CreateAsync(
        EmbeddedCluster cluster,
        string database = Name,
        CancellationToken cancellationToken = default
    )
    {
        await cluster.CreateDatabaseAsync(database, Admin, cancellationToken);
        await using var connection = new NpgsqlConnection(cluster.ConnectionString(database, Admin));
        await connection.ExecuteAsync(
            new CommandDefinition(SqlFile.Read("shared-database.sql"), cancellationToken: cancellationToken)
        );
    }

    /// <summary>Writes the tenants and their rows.</summary>
    /// <param name="cluster">
    /// The server. Its superuser writes, because only a superuser can skip triggers and foreign keys.
    /// </param>
    /// <param name="database">A database made by <see cref="CreateAsync"/>.</param>
    /// <param name="size">The size; null for the demo's size.</param>
    /// <param name="cancellationToken">Ends the call; nothing is written then.</param>
    public static async Task FillAsync(
        EmbeddedCluster cluster,
        string database = Name,
        SampleSize? size = null,
        CancellationToken cancellationToken = default
    )
    {
        size ??= new();
        // Without a pool: the helper functions are temporary, and disappear when the session ends.
        var builder = new NpgsqlConnectionStringBuilder(cluster.ConnectionString(database)) { Pooling = false };
        await using var connection = new NpgsqlConnection(builder.ConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using (var transaction = await connection.BeginTransactionAsync(cancellationToken))
        {
            await ExecuteAsync(Tenants, TenantsOf(size));
            await ExecuteAsync(SqlFile.Read("shared-database-rows.sql"));
            await transaction.CommitAsync(cancellationToken);
        }

        // Visibility map and statistics in the state in which autovacuum leaves them.
        await ExecuteAsync("VACUUM (ANALYZE)");

        Task ExecuteAsync(string sql, object? parameters = null) =>
            connection.ExecuteAsync(new(sql, parameters, commandTimeout: 0, cancellationToken: cancellationToken));
    }

    static object TenantsOf(SampleSize size)
    {
        var others = Enumerable.Range(0, size.OtherTenants).ToArray();
        return new
        {
            size.Seed,
            Slugs = (string[])
                [
                    MainSlug,
                    .. others.Select(i => OtherSlugs[i % OtherSlugs.Length] + (i < OtherSlugs.Length ? "" : $"-{i}")),
                ],
            Totals = (long[])[size.MainRows, .. others.Select(i => size.OtherRows / (1 + i % 3))],
            Plans = (string[])["enterprise", .. others.Select(i => i % 2 == 0 ? "team" : "free")],
        };
    }
}
