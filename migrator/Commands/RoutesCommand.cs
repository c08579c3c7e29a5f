using System.CommandLine;
using Migrator.Connections;
using Migrator.Journal;
using Migrator.Model;
using Migrator.Reporting;
using Migrator.Scope;
using Migrator.Settings;
using Migrator.Terminal;
using Npgsql;

namespace Migrator.Commands;

/// <summary>The routing document on standard output, once or at each change.</summary>
sealed class RoutesCommand : TenantCommand
{
    static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    readonly Option<bool> watch;

    public RoutesCommand()
        : base("routes", "Print a tenant's routing document.") =>
        watch = Add<bool>(
            new("--watch")
            {
                Description = "Print the document again, on a line of its own, whenever the route changes.",
            }
        );

    protected override async Task RunAsync(
        ParseResult parsed,
        ConsoleOutput terminal,
        MigratorSettings settings,
        Databases databases,
        Slug slug,
        CancellationToken cancellationToken
    )
    {
        Task<RoutingDocument> Read() => ReadAsync(settings, databases, slug, cancellationToken);
        if (parsed.GetValue(watch))
        {
            await WatchAsync(Read, Console.Out, terminal.Clock, cancellationToken);
            return;
        }
        var route = await Read();
        if (terminal.Json)
            terminal.WriteJson(
                new RoutesDocument(
                    route.TenantSlug,
                    route.IsolationMode,
                    route.Database,
                    route.Endpoints,
                    [$"migrator status --tenant-slug={slug}"]
                )
            );
        else
            Console.Out.WriteLine(route);
    }

    /// <summary>Writes the route, and each other one that follows, until it is cancelled.</summary>
    internal static async Task WatchAsync(
        Func<Task<RoutingDocument>> read,
        TextWriter output,
        TimeProvider clock,
        CancellationToken cancellationToken
    )
    {
        RoutingDocument? known = null;
        while (true)
        {
            try
            {
                var route = await read();
                if (route != known)
                    await output.WriteLineAsync($"{known = route}");
                await output.FlushAsync(cancellationToken);
            }
            catch (NpgsqlException) when (known is not null && !cancellationToken.IsCancellationRequested)
            {
                // A server that is away for a while has not changed the route.
            }
            await Task.Delay(LookInterval, clock, cancellationToken);
        }
    }

    static async Task<RoutingDocument> ReadAsync(
        MigratorSettings settings,
        Databases databases,
        Slug slug,
        CancellationToken cancellationToken
    )
    {
        await using var shared = await databases.Shared.OpenConnectionAsync(cancellationToken);
        var tenant = await TenantLookup.FindAsync(shared, settings.Tenancy, slug, cancellationToken);
        return StatusReader.Route(
            settings,
            databases,
            tenant,
            await JournalReader.FindAsync(shared, tenant.Key, cancellationToken)
        );
    }
}
