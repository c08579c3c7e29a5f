using System.Text.Json.Nodes;
using Migrator.Connections;
using Migrator.Guarding;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Scope;
using Migrator.Settings;

namespace Migrator.Reporting;

/// <summary>Gathers what <c>status</c> shows from the tenant's row, the journal, the guard and the slots.</summary>
public static class StatusReader
{
    public static async Task<StatusDocument> ReadAsync(
        MigratorSettings settings,
        Databases databases,
        Slug slug,
        CancellationToken cancellationToken
    )
    {
        await using var shared = await databases.Shared.OpenConnectionAsync(cancellationToken);
        var tenant = await TenantLookup.FindAsync(shared, settings.Tenancy, slug, cancellationToken);
        var record = await JournalReader.FindAsync(shared, tenant.Key, cancellationToken);
        var guard = await WriteGuard.StateAsync(shared, tenant.Key, cancellationToken);
        var (rows, tables) = record is null
            ? (0, 0)
            : await shared.QuerySingleAsync<(long, long)>(
                "SELECT coalesce(sum(rows), 0)::bigint, count(*) FROM tenant_promotion.digest WHERE promotion_id = @Id",
                new { record.Id },
                cancellationToken
            );

        var stream = await StreamReport.ReadAsync(databases, shared, tenant, record, cancellationToken);
        var row = tenant.Columns;
        return new(
            slug.Text,
            tenant.Key,
            tenant.IsolationMode,
            row["plan"],
            row["status"],
            row["created_at"],
            row["updated_at"],
            (row[settings.Tenancy.SettingsColumn] as JsonObject)?["isolation"],
            Route(settings, databases, tenant, record),
            guard,
            record is null ? null : PromotionSection.Of(record, tables, rows),
            stream.Section,
            [.. Warnings(record, guard, slug), .. stream.Warnings],
            [.. NextSteps(slug, tenant, record)]
        );
    }

    /// <summary>Where the tenant's connections go now.</summary>
    public static RoutingDocument Route(
        MigratorSettings settings,
        Databases databases,
        Tenant tenant,
        PromotionRecord? record
    )
    {
        var shared = new Target(
            databases.SharedServer.Host!,
            databases.SharedServer.Port,
            databases.SharedServer.Database!
        );
        var isolated =
            record?.Target
            ?? new Target(databases.IsolatedServer.Host!, databases.IsolatedServer.Port, tenant.Slug.DatabaseName);
        return RoutingDocument.For(
            tenant.Slug,
            tenant.IsolationMode,
            tenant.IsIsolated ? isolated : shared,
            settings.Tenancy.Domain
        );
    }

    /// <summary>The commands that make sense now.</summary>
    public static IEnumerable<string> NextSteps(Slug slug, Tenant tenant, PromotionRecord? record)
    {
        string Command(string verb) => $"migrator {verb} --tenant-slug={slug}";
        return (record, tenant.IsIsolated) switch
        {
            ({ State: PromotionState.RollingBack }, _) => [Command("rollback") + " --confirm"],
            ({ EndedAt: null }, false) => [Command("promote") + " --confirm", Command("rollback") + " --confirm"],
            ({ State: PromotionState.Isolated }, true) =>
            [
                Command("verify"),
                Command("rollback") + " --confirm",
                Command("finalize") + " --confirm",
            ],
            ({ State: PromotionState.Finalized }, true) => [Command("routes"), Command("rollback") + " --confirm"],
            (_, true) => [Command("routes")],
            _ => [Command("promote") + " --dry-run", Command("promote") + " --confirm"],
        };
    }

    static IEnumerable<string> Warnings(PromotionRecord? record, string? guard, Slug slug)
    {
        if (guard == GuardState.Closed && record is { IsFlipped: false, EndedAt: null })
            yield return $"The write guard is closed: writes of '{slug}' fail until the promotion goes on or is rolled "
                + "back.";
        if (guard is not null && record is null or { EndedAt: not null })
            yield return $"A write guard of '{slug}' was left behind in the shared database. "
                + DoctorMessages.DoctorRemoves;
    }
}
