using System.CommandLine;
using System.Text.Json.Nodes;
using Migrator.Connections;
using Migrator.Journal;
using Migrator.Model;
using Migrator.Terminal;
using Spectre.Console;

namespace Migrator.Commands;

/// <summary>All tenants with their mode and the state of their promotion.</summary>
sealed class ListCommand() : MigratorCommand("list", "List all tenants with mode and promotion.")
{
    protected override async Task<ExitCode> RunAsync(
        ParseResult parsed,
        ConsoleOutput terminal,
        CancellationToken cancellationToken
    )
    {
        var settings = ReadSettings(parsed);
        await using var connection = await Databases.OpenSharedAsync(settings, cancellationToken);
        var tenancy = settings.Tenancy;
        var tenants = await connection.QueryAsync<(string Slug, string Key, string Mode)>(
            $"""
                SELECT {Sql.Identifier(tenancy.SlugColumn)}::text, {Sql.Identifier(
                    tenancy.KeyColumn
                )}::text, {Sql.Identifier(tenancy.ModeColumn)}::text
                FROM {tenancy.Table.Quoted} ORDER BY 1
                """,
            cancellationToken
        );
        var promotions = (await PromotionJournal.NewestAsync(connection, cancellationToken)).ToDictionary(record =>
            record.TenantKey
        );

        if (terminal.Json)
        {
            ConsoleOutput.WriteJson(
                new JsonObject
                {
                    ["tenants"] = new JsonArray([
                        .. tenants.Select(tenant => new JsonObject
                        {
                            ["tenant_slug"] = tenant.Slug,
                            ["tenant_id"] = tenant.Key,
                            ["isolation_mode"] = tenant.Mode,
                            ["promotion_state"] = promotions.GetValueOrDefault(tenant.Key)?.State,
                            ["database"] = promotions.GetValueOrDefault(tenant.Key)?.Target.Database,
                        }),
                    ]),
                    ["next_steps"] = new JsonArray("migrator status --tenant-slug=…"),
                }
            );
            return ExitCode.Done;
        }
        var table = new Table().AddColumns("tenant", "mode", "promotion", "database", "started").RoundedBorder();
        foreach (var tenant in tenants)
        {
            var promotion = promotions.GetValueOrDefault(tenant.Key);
            table.AddRow(
                Markup.Escape(tenant.Slug),
                Markup.Escape(tenant.Mode),
                promotion?.State ?? "–",
                promotion is null
                    ? "–"
                    : Markup.Escape($"{promotion.Target.Database} on {promotion.Target.Host}:{promotion.Target.Port}"),
                promotion?.StartedAt.ToString("yyyy-MM-dd HH:mm") ?? "–"
            );
        }
        terminal.Out.Write(table);
        return ExitCode.Done;
    }
}
