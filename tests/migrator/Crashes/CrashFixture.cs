using Migrator.Embedded;
using Migrator.Model;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Crashes;

/// <summary>
/// A small shared database with a bit of everything that can go wrong half-way (derived and keyless tables, partitions,
/// triggers that write, a role that only the shared server has), a tenant to move, and a copy of how it all began.
/// </summary>
public sealed class CrashFixture : IAsyncDisposable
{
    static int workshops;

    CrashFixture(TestDatabase shared, TestDatabase began, EmbeddedCluster server, string slug, string reader)
    {
        Shared = shared;
        Began = began;
        Server = server;
        Slug = slug;
        Reader = reader;
        // The online way has crash tests of its own.
        Move = new(shared, slug, server, new() { Reference = [TableName.Parse("public.countries")] })
        {
            Mode = PromotionOptions.Fenced,
        };
    }

    public TestDatabase Shared { get; }

    /// <summary>The shared database as it was before anything moved.</summary>
    public TestDatabase Began { get; }

    public EmbeddedCluster Server { get; }

    public string Slug { get; }

    /// <summary>A role that may read in the shared database and that the other server does not know.</summary>
    public string Reader { get; }

    /// <summary>The same move in this process, for the steps that nobody kills.</summary>
    public TenantMove Move { get; }

    public TestDatabase Isolated => Move.Isolated;

    public string RoutingFile => Move.RoutingFile;

    /// <summary>The database that every server has.</summary>
    public TestDatabase Maintenance => new(Server, "postgres", EmbeddedCluster.Superuser);

    /// <param name="tasks">Tasks of the tenant to move; the other tables follow from it.</param>
    public static async Task<CrashFixture> CreateAsync(EmbeddedCluster shared, EmbeddedCluster server, int tasks = 600)
    {
        var number = Interlocked.Increment(ref workshops);
        var reader = $"workshop_reader_{number}";
        await shared.CreateRoleAsync(reader, "NOLOGIN", creator: Servers.Admin);
        var database = await TestDatabase.CreateAsync(shared, $"workshop_{number}", Servers.Admin);
        await database.ExecuteAsync(
            EmbeddedSql.Read("workshop.sql").Replace("workshop_reader", reader, StringComparison.Ordinal)
        );
        await database.ExecuteAsync(EmbeddedSql.Read("workshop-rows.sql"), new { slug = $"workshop-{number}", tasks });
        var began = new TestDatabase(shared, $"workshop_{number}_began", Servers.Admin);
        NpgsqlConnection.ClearPool(new(database.ConnectionString()));
        await new TestDatabase(shared, "postgres", EmbeddedCluster.Superuser).ExecuteAsync(
            $"CREATE DATABASE {began.Name} TEMPLATE {database.Name} OWNER {Servers.Admin}"
        );
        return new(database, began, server, $"workshop-{number}", reader);
    }

    /// <summary>
    /// A tenant whose promotion was killed at a moment, and before the flip: one that was killed later is thrown away.
    /// </summary>
    public static async Task<CrashFixture> KilledAsync(Servers servers, string moment)
    {
        while (true)
        {
            var shop = await CreateAsync(servers.Shared, servers.Dedicated);
            try
            {
                await shop.KillAsync("promote", moment);
                if (await shop.ModeAsync() == "shared")
                    return shop;
            }
            catch
            {
                await shop.DisposeAsync();
                throw;
            }
            await shop.DisposeAsync();
        }
    }

    /// <summary>Starts a verb for the tenant, as users run it.</summary>
    public MigratorProcess Start(string verb, params string[] arguments) => Move.Start(verb, arguments);

    /// <summary>
    /// Runs a verb and kills it at a moment, as in <see cref="Started.CopyData"/>, or later: the journal knows.
    /// </summary>
    public Task KillAsync(string verb, string moment, params string[] arguments) =>
        Move.KillAsync(verb, moment, arguments: arguments);

    /// <summary>Runs a verb until it waits for a table that somebody else has locked, and kills it there.</summary>
    public async Task KillAtLockAsync(string verb, string table)
    {
        await using var connection = await Shared.OpenAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var command = new NpgsqlCommand($"LOCK TABLE {table} IN EXCLUSIVE MODE", connection))
            await command.ExecuteNonQueryAsync();
        await using var migrator = Start(verb);
        await Waiting.UntilAsync(
            Shared,
            $"SELECT EXISTS (SELECT FROM pg_locks WHERE relation = '{table}'::regclass AND NOT granted)"
        );
        migrator.Kill();
        // Whoever waits for a lock does not look whether its client is still there.
        await Shared.ExecuteAsync(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE relation = CAST(@table AS regclass) AND NOT granted",
            new { table }
        );
    }

    /// <summary>A write of the tenant in the shared database, by its application.</summary>
    public Task WriteAsync() => Shared.ExecuteAsync(TenantWrite, role: Demo.SampleDatabase.Application);

    /// <summary>
    /// Inserts, updates and deletes in the isolated database, by the tenant's application; triggers write along.
    /// </summary>
    public Task WriteIsolatedAsync() =>
        Isolated.ExecuteAsync(
            $"""
            {TenantWrite};
            INSERT INTO comments (task_id, body) SELECT id, 'new' FROM tasks WHERE id % 5 = 0;
            UPDATE comments SET body = body || ' changed' WHERE id % 7 = 0;
            DELETE FROM comments WHERE id % 11 = 0;
            INSERT INTO events (tenant_id, at, body) SELECT '{Acme}', '2025-03-01', 'late ' || n
                FROM generate_series(1, 50) n;
            DELETE FROM events WHERE body LIKE '%3';
            INSERT INTO notes SELECT '{Acme}', 'dictated' FROM generate_series(1, 3);
            DELETE FROM tasks t WHERE id % 13 = 0 AND NOT EXISTS (SELECT FROM tasks c WHERE c.parent_id = t.id);
            """,
            role: Demo.SampleDatabase.Application
        );

    public Task<string> ModeAsync() => Move.ModeAsync();

    /// <summary>The state of the tenant's newest promotion; null when there is no journal yet.</summary>
    public async Task<string?> StateAsync() =>
        await Shared.ScalarAsync<bool>("SELECT to_regclass('tenant_promotion.promotion') IS NOT NULL")
            ? await Shared.ScalarAsync<string?>(
                "SELECT state FROM tenant_promotion.promotion WHERE tenant_key = @Acme ORDER BY id DESC LIMIT 1",
                new { Acme }
            )
            : null;

    /// <summary>The state of the tenant's guard in the shared database; null when there is none.</summary>
    public async Task<string?> GuardAsync() =>
        await Shared.ScalarAsync<bool>("SELECT to_regclass('tenant_promotion.guard') IS NOT NULL")
            ? (
                await Shared.QueryAsync<string>(
                    "SELECT state FROM tenant_promotion.guard WHERE tenant_key = @Acme",
                    new { Acme }
                )
            ).SingleOrDefault()
            : null;

    public Task<bool> ExistsAsync() =>
        Maintenance.ScalarAsync<bool>(
            "SELECT EXISTS (SELECT FROM pg_database WHERE datname = @Name)",
            new { Isolated.Name }
        );

    /// <summary>For each table the rows that are the tenant's, written down by hand.</summary>
    public static IReadOnlyList<TableRows> Tables { get; } =
    [
        new("public.tenants", $"id = '{Acme}'"),
        .. new[] { "projects", "tasks", "events", "notes", "history" }.Select(name => new TableRows(
            "public." + name,
            $"tenant_id = '{Acme}'"
        )),
        new("public.comments", $"task_id IN (SELECT id FROM public.tasks WHERE tenant_id = '{Acme}')"),
        new("public.countries", "true"),
    ];

    public const string Acme = "aaaaaaaa-0000-4000-8000-00000000000a";

    public const string TenantWrite = $"""
        SET app.current_tenant_id = '{Acme}';
        UPDATE projects SET name = name || '!' WHERE tenant_id = '{Acme}'
        """;

    public async ValueTask DisposeAsync()
    {
        await Began.DisposeAsync();
        await Move.DisposeAsync();
    }
}
