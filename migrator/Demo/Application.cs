using Migrator.Embedded;
using Npgsql;
using TenantRouting;

namespace Migrator.Demo;

/// <summary>
/// An application on the <see cref="SampleDatabase"/> with several instances. It writes through a
/// <see cref="TenantRouter"/>, as a role that row-level security applies to, and enters acknowledged writes in
/// the ledger. Disposing stops it.
/// </summary>
public sealed class Application : IAsyncDisposable
{
    // Far longer than every pause: a person has to look at a write that takes longer.
    static readonly TimeSpan RetryTimeout = TimeSpan.FromMinutes(10);

    readonly NpgsqlDataSource shared;
    readonly TenantRouter router;
    readonly CancellationTokenSource stop = new();
    Task writers = Task.CompletedTask;

    Application(EmbeddedCluster sharedServer, EmbeddedCluster dedicated, string database)
    {
        shared = NpgsqlDataSource.Create(sharedServer.ConnectionString(database, SampleDatabase.Application));
        router = new(
            shared,
            name => NpgsqlDataSource.Create(dedicated.ConnectionString(name, SampleDatabase.Application))
        )
        {
            Timeout = RetryTimeout,
        };
    }

    /// <summary>Starts the writers.</summary>
    /// <param name="shared">The server of the shared database.</param>
    /// <param name="dedicated">The server of the isolated one.</param>
    /// <param name="moving">The key of the tenant that moves.</param>
    /// <param name="others">The keys of the tenants that stay.</param>
    /// <param name="database">The shared database's name.</param>
    public static Application Start(
        EmbeddedCluster shared,
        EmbeddedCluster dedicated,
        Ledger ledger,
        string moving,
        IEnumerable<string> others,
        ApplicationLoad load,
        string database = SampleDatabase.Name
    )
    {
        var application = new Application(shared, dedicated, database);
        application.router.Start();
        ApplicationWriter Writer(string tenant, string name, double rate, int seed) =>
            new(application.router, ledger, tenant, name, rate, load.Seed + seed);
        ApplicationWriter[] all =
        [
            .. Enumerable
                .Range(0, load.Writers)
                .Select(n => Writer(moving, $"m{n}", (double)load.Rate / load.Writers, n)),
            .. others
                .Take(load.OtherTenants)
                .Select((key, n) => Writer(key, $"o{n}", (double)load.OtherRate / load.OtherTenants, 1000 + n)),
        ];
        application.writers = Task.WhenAll(
            all.Select(writer => Task.Run(() => writer.RunAsync(application.stop.Token)))
        );
        return application;
    }

    /// <summary>Lets each writer finish what it has begun.</summary>
    /// <exception cref="Exception">An error of a writer that no promotion may cause.</exception>
    public async Task StopAsync()
    {
        await stop.CancelAsync();
        await writers;
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        // A caller that needs the writers' errors has called StopAsync.
        await writers.ContinueWith(_ => { }, TaskScheduler.Default);
        await router.DisposeAsync();
        await shared.DisposeAsync();
        stop.Dispose();
    }
}
