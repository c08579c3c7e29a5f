using CliWrap;
using Dapper;
using Migrator.Demo;
using Migrator.Embedded;
using Migrator.Model;
using Migrator.Settings;
using Npgsql;

namespace Bench;

/// <summary>The two servers, and sample databases on the shared one, each filled once.</summary>
/// <param name="rows">Rows of the tenant that moves, in the largest of them.</param>
sealed class BenchmarkServers(EmbeddedCluster shared, EmbeddedCluster dedicated, long rows)
{
    readonly HashSet<string> filled = [];

    public static Slug Slug { get; } =
        Slug.TryParse(SampleDatabase.MainSlug, out var slug) ? slug : throw new InvalidOperationException();

    public static Tenancy Tenancy { get; } =
        new() { Reference = [.. SampleDatabase.ReferenceTables.Select(TableName.Parse)] };

    public EmbeddedCluster Shared => shared;

    public EmbeddedCluster Dedicated => dedicated;

    public long Rows => rows;

    public Task<string> LargeAsync() => FilledAsync("large", rows);

    /// <summary>Repeats are many, and not few to come to an end soon.</summary>
    public bool IsThorough => rows >= 2_000_000;

    /// <summary>Rounds of what runs by turns, because the machine's own speed drifts.</summary>
    public int Rounds => IsThorough ? 3 : 2;

    /// <summary>How long writers write whose rate is measured.</summary>
    public TimeSpan Length => TimeSpan.FromSeconds(IsThorough ? 4 : 2);

    /// <summary>Row changes that are applied at once: 200,000 for a tenant of 2,000,000 rows.</summary>
    public int Changes => (int)Math.Clamp(rows / 4, 10_000, 200_000);

    /// <summary>As many rows as there may be changes at most.</summary>
    public Task<string> ApplyAsync() => FilledAsync("apply", 200_000);

    public Task<string> NativeAsync() => FilledAsync("native", rows);

    /// <summary>A tenth of the large one's rows.</summary>
    public Task<string> SmallAsync() => FilledAsync("small", rows / 10);

    /// <summary>
    /// A fortieth of the large one's rows, for one scenario: what an application writes there is in its own ledger
    /// and in nobody else's.
    /// </summary>
    public Task<string> ModerateAsync(string scenario) => FilledAsync(scenario, rows / 40);

    /// <summary>Starts the application on a database and lets it run warm.</summary>
    public async Task<(Ledger Ledger, Application Application)> StartAsync(string database, ApplicationLoad load)
    {
        var source = NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(shared.ConnectionString(database, SampleDatabase.Admin))
            {
                Pooling = false,
            }
        );
        await using var connection = await source.OpenConnectionAsync();
        var tenants = (
            await connection.QueryAsync<(string Key, string Slug)>("SELECT id::text, slug FROM tenants ORDER BY slug")
        ).ToArray();
        var moving = tenants.Single(tenant => tenant.Slug == Slug.Text).Key;
        var ledger = await Ledger.OpenAsync(source, moving, TimeProvider.System, CancellationToken.None);
        var others = tenants.Select(tenant => tenant.Key).Where(key => key != moving);
        var application = Application.Start(shared, dedicated, ledger, moving, others, load, database);
        await Task.Delay(TimeSpan.FromSeconds(2));
        return (ledger, application);
    }

    /// <summary>One of PostgreSQL's own programs, as the superuser.</summary>
    public static Command Tool(string name, EmbeddedCluster server, string database, params string[] arguments) =>
        Cli.Wrap(server.Binaries[name])
            .WithArguments(arguments)
            .WithEnvironmentVariables(
                new Dictionary<string, string?>
                {
                    ["PGHOST"] = EmbeddedCluster.Host,
                    ["PGPORT"] = server.Port.ToString(),
                    ["PGDATABASE"] = database,
                    ["PGUSER"] = EmbeddedCluster.Superuser,
                    ["PGPASSWORD"] = server.PasswordOf(EmbeddedCluster.Superuser),
                }
            );

    async Task<string> FilledAsync(string database, long count)
    {
        if (!filled.Add(database))
            return database;
        await SampleDatabase.CreateAsync(shared, database);
        await SampleDatabase.FillAsync(shared, database, new(MainRows: count, OtherTenants: 10, OtherRows: count / 20));
        return database;
    }
}
