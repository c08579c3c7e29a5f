using System.CommandLine;
using System.Text.Json.Nodes;
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
        var route = StatusDocument.Route(
            settings,
            databases,
            tenant,
            await PromotionJournal.FindAsync(shared, tenant.Key, cancellationToken)
        );
        if (!terminal.Json)
        {
            Console.Out.WriteLine(route);
            return;
        }
        var document = JsonNode.Parse(route.ToString())!;
        document["next_steps"] = new JsonArray($"migrator status --tenant-slug={slug}");
        ConsoleOutput.WriteJson(document);
    }
}
