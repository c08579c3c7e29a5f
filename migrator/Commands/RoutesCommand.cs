using System.CommandLine;
using Migrator.Connections;
using Migrator.Journal;
using Migrator.Model;
using Migrator.Reporting;
using Migrator.Scope;
using Migrator.Settings;
using Migrator.Terminal;

namespace Migrator.Commands;

/// <summary>The routing document on standard output.</summary>
sealed class RoutesCommand() : TenantCommand("routes", "Print a tenant's routing document.")
{
    protected override async Task RunAsync(
        ParseResult parsed,
        ConsoleOutput terminal,
        MigratorSettings settings,
        Databases databases,
        Slug slug,
        CancellationToken cancellationToken
    )
    {
        await using var shared = await databases.Shared.OpenConnectionAsync(cancellationToken);
        var tenant = await TenantLookup.FindAsync(shared, settings.Tenancy, slug, cancellationToken);
        var route = StatusReader.Route(
            settings,
            databases,
            tenant,
            await JournalReader.FindAsync(shared, tenant.Key, cancellationToken)
        );
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
}
