using System.CommandLine;
using Migrator.Connections;
using Migrator.Journal;
using Migrator.Model;
using Migrator.Reporting;
using Migrator.Scope;
using Migrator.Settings;
using Migrator.Terminal;
using Npgsql;
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
        await TenantLookup.RequireColumnsAsync(connection, settings.Tenancy, cancellationToken);
        var tenants = await TenantsAsync(connection, settings.Tenancy, cancellationToken);
        var promotions = (await JournalReader.NewestAsync(connection, cancellationToken)).ToDictionary(record =>
            record.TenantKey
        );
        if (terminal.Json)
            terminal.WriteJson(Describe(tenants, promotions));
        else
            Show(terminal.Out, tenants, promotions);
        return ExitCode.Done;
    }

    static Task<IReadOnlyList<(string Slug, string Key, string Mode)>> TenantsAsync(
        NpgsqlConnection connection,
        Tenancy tenancy,
        CancellationToken cancellationToken
    )
    {
        var slug = Sql.Identifier(tenancy.SlugColumn);
        var key = Sql.Identifier(tenancy.KeyColumn);
        var mode = Sql.Identifier(tenancy.ModeColumn);
        return connection.QueryAsync<(string Slug, string Key, string Mode)>(
            $"SELECT {slug}::text, {key}::text, {mode}::text FROM {tenancy.Table.Quoted} ORDER BY 1",
            cancellationToken
        );
    }

    static ListDocument Describe(
        IReadOnlyList<(string Slug, string Key, string Mode)> tenants,
        Dictionary<string, PromotionRecord> promotions
    )
    {
        ListDocument.TenantEntry Entry(string slug, string key, string mode)
        {
            var promotion = promotions.GetValueOrDefault(key);
            return new(slug, key, mode, promotion?.State, promotion?.Target.Database);
        }
        return new(
            [.. tenants.Select(tenant => Entry(tenant.Slug, tenant.Key, tenant.Mode))],
            // The one that most likely is of interest: a promotion of it is under way.
            [
                .. tenants
                    .OrderByDescending(tenant => promotions.GetValueOrDefault(tenant.Key) is { EndedAt: null })
                    .Take(1)
                    .Select(tenant => $"migrator status --tenant-slug={tenant.Slug}"),
            ]
        );
    }

    static void Show(
        IAnsiConsole console,
        IEnumerable<(string Slug, string Key, string Mode)> tenants,
        Dictionary<string, PromotionRecord> promotions
    )
    {
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
        console.Write(table);
    }
}
