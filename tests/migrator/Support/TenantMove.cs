using Migrator.Connections;
using Migrator.Embedded;
using Migrator.Model;
using Migrator.Progress;
using Migrator.Settings;
using Npgsql;

namespace Migrator.Tests.Support;

/// <summary>
/// A tenant of a shared database, and the migrator set up for it: each verb is one call. Disposing drops both
/// databases.
/// </summary>
/// <param name="shared">The shared database; its owner is the migrator's role.</param>
/// <param name="slug">The tenant.</param>
/// <param name="server">The server of the isolated database; null for the shared one.</param>
/// <param name="tenancy">What tenancy.json would say.</param>
public sealed class TenantMove(
    TestDatabase shared,
    string slug,
    EmbeddedCluster? server = null,
    Tenancy? tenancy = null
) : IAsyncDisposable
{
    /// <summary>The key of the tenant to move, in a database made by <see cref="CreateAsync"/>.</summary>
    public const int Acme = 1;

    /// <summary>The key of the tenant that is to notice nothing.</summary>
    public const int Bolt = 2;

    readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("migrator-tests-");

    public TestDatabase Shared => shared;

    public string Slug => slug;

    public EmbeddedCluster Server => server ?? shared.Cluster;

    /// <summary>The isolated database, there or not.</summary>
    public TestDatabase Isolated => new(Server, TargetName, shared.Owner);

    public string TargetName => $"tenant_{slug.Replace('-', '_')}";

    public string RoutingFile => Path.Combine(folder.FullName, $"{slug}.json");

    public Tenancy Tenancy { get; init; } = tenancy ?? new();

    /// <summary>The role for slots, databases and roles; null if the owner has all rights.</summary>
    public string? Administrator { get; init; }

    /// <summary>The port by which the migrator reaches the isolated database's server, if not that server's own.</summary>
    public int? TargetPort { get; init; }

    /// <summary>The same for the shared database's server.</summary>
    public int? SourcePort { get; set; }

    /// <summary>The mode of promotions.</summary>
    public string Mode { get; set; } = PromotionOptions.Online;

    /// <summary>What the last verb told whoever watched.</summary>
    public WatchingProgress Watched { get; internal set; } = new(null);

    public MigratorSettings Settings =>
        new(
            Tenancy,
            new(shared.ConnectionString()) { Port = SourcePort ?? shared.Cluster.Port },
            new(Server.ConnectionString("postgres", shared.Owner)) { Port = TargetPort ?? Server.Port },
            folder.FullName
        )
        {
            SourceAdministrator = AdministratorOf(shared.Cluster),
            TargetAdministrator = AdministratorOf(Server),
        };

    /// <summary>
    /// A shared database with the tenants acme-N (key 1) and bolt-N (key 2) and whatever the statements make.
    /// </summary>
    public static async Task<TenantMove> CreateAsync(
        Servers servers,
        string sql,
        EmbeddedCluster? server = null,
        Tenancy? tenancy = null,
        string keyType = "bigint",
        string owner = Servers.Admin
    )
    {
        var database = await servers.NewDatabaseAsync(owner, "move");
        var suffix = database.Name["move".Length..].Replace('_', '-');
        var move = new TenantMove(database, "acme" + suffix, server, tenancy);
        try
        {
            await database.ExecuteAsync($"{TenantsTable(keyType, move.Slug, "bolt" + suffix)}\n{sql}");
            return move;
        }
        catch
        {
            await move.DisposeAsync();
            throw;
        }
    }

    static string TenantsTable(string keyType, string acme, string bolt) =>
        $$"""
            CREATE TABLE tenants (
                id {{keyType}} PRIMARY KEY, slug text NOT NULL UNIQUE, plan text NOT NULL DEFAULT 'team',
                status text NOT NULL DEFAULT 'active',
                isolation_mode text NOT NULL DEFAULT 'shared', settings jsonb NOT NULL DEFAULT '{"theme": "dark"}',
                created_at timestamptz NOT NULL DEFAULT '2024-01-01',
                updated_at timestamptz NOT NULL DEFAULT '2024-01-02');
            INSERT INTO tenants (id, slug) VALUES ({{Acme}}, '{{acme}}'), ({{Bolt}}, '{{bolt}}');
            """;

    /// <summary>One verb of a promotion, over connections of its own.</summary>
    public static async Task WithPromotionAsync(
        MigratorSettings settings,
        Slug slug,
        PromotionOptions options,
        IPromotionProgress progress,
        Func<Promotion, Task> verb
    )
    {
        await using var databases = Databases.For(settings, slug);
        await verb(new(settings, databases, options, progress, TimeProvider.System));
    }

    /// <summary>What the tenant's row says: shared or isolated.</summary>
    public Task<string> ModeAsync() =>
        shared.ScalarAsync<string>("SELECT isolation_mode FROM tenants WHERE slug = @slug", new { slug });

    /// <summary>The state of the tenant's guard in the shared database; null when there is none.</summary>
    public async Task<string?> GuardAsync() =>
        await shared.ScalarAsync<bool>("SELECT to_regclass('tenant_promotion.guard') IS NOT NULL")
            ? (
                await shared.QueryAsync<string>(
                    "SELECT state FROM tenant_promotion.guard WHERE tenant_slug = @slug",
                    new { slug }
                )
            ).SingleOrDefault()
            : null;

    /// <summary>Whether a database has the migrator's own schema.</summary>
    public static Task<bool> HasOwnSchemaAsync(TestDatabase database) =>
        database.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'tenant_promotion')");

    public Task<bool> IsolatedExistsAsync() => ExistsAsync(Server, TargetName);

    /// <summary>
    /// What a guard, a lock or a temporary object of the migrator has left behind in a database, apart from the
    /// journal's history.
    /// </summary>
    /// <param name="fenced">The fence is to be there, and is left out.</param>
    public static Task<IReadOnlyList<string>> TracesAsync(TestDatabase database, bool fenced = false) =>
        database.QueryAsync<string>(
            """
            SELECT 'trigger ' || tgname FROM pg_trigger WHERE tgname ~ 'tenant_promotion' AND tgname !~ @fence
            UNION ALL SELECT 'function ' || proname FROM pg_proc WHERE proname ~ '^~tenant_promotion' AND proname !~ @fence
            UNION ALL SELECT 'no fence' WHERE @fenced AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgname ~ @fence)
            UNION ALL SELECT 'lock ' || objid FROM pg_locks
                WHERE locktype = 'advisory'
                    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            UNION ALL SELECT 'session ' || query FROM pg_stat_activity
                WHERE application_name LIKE 'tp/%' AND datname = current_database()
            UNION ALL SELECT 'relation ' || relname FROM pg_class WHERE relname ~ '^tenant_promotion_'
            UNION ALL SELECT 'slot ' || slot_name FROM pg_replication_slots WHERE database = current_database()
            UNION ALL SELECT 'publication ' || pubname FROM pg_publication
            """,
            new { fenced, fence = fenced ? "^~tenant_promotion_fence" : "^$" },
            EmbeddedCluster.Superuser
        );

    public async ValueTask DisposeAsync()
    {
        await Isolated.DisposeAsync();
        await shared.DisposeAsync();
        folder.Delete(recursive: true);
    }

    public Slug Parsed =>
        Migrator.Model.Slug.TryParse(slug, out var parsed) ? parsed : throw new ArgumentException(slug);

    AdministratorLogin? AdministratorOf(EmbeddedCluster cluster) =>
        Administrator is { } role
            ? new(role, new NpgsqlConnectionStringBuilder(cluster.ConnectionString("postgres", role)).Password)
            : null;

    static Task<bool> ExistsAsync(EmbeddedCluster server, string database) =>
        new TestDatabase(server, "postgres", EmbeddedCluster.Superuser).ScalarAsync<bool>(
            "SELECT EXISTS (SELECT FROM pg_database WHERE datname = @database)",
            new { database }
        );
}
