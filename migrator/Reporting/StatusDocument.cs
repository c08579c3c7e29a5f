using System.Text.Json;
using System.Text.Json.Nodes;
using Migrator.Connections;
using Migrator.Guarding;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Phases;
using Migrator.Routing;
using Migrator.Scope;
using Migrator.Settings;
using Migrator.Terminal;

namespace Migrator.Reporting;

/// <summary>What <c>status --json</c> prints, and what every other view of a tenant is made from.</summary>
public static class StatusDocument
{
    public static async Task<JsonObject> ReadAsync(
        MigratorSettings settings,
        Databases databases,
        Slug slug,
        CancellationToken cancellationToken
    )
    {
        await using var shared = await databases.Shared.OpenConnectionAsync(cancellationToken);
        var tenant = await TenantLookup.FindAsync(shared, settings.Tenancy, slug, cancellationToken);
        var record = await PromotionJournal.FindAsync(shared, tenant.Key, cancellationToken);
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
        return new JsonObject
        {
            ["tenant_slug"] = slug.Text,
            ["tenant_id"] = tenant.Key,
            ["isolation_mode"] = tenant.IsolationMode,
            ["plan"] = row["plan"]?.DeepClone(),
            ["status"] = row["status"]?.DeepClone(),
            ["created_at"] = row["created_at"]?.DeepClone(),
            ["updated_at"] = row["updated_at"]?.DeepClone(),
            ["isolation"] = (row[settings.Tenancy.SettingsColumn] as JsonObject)?["isolation"]?.DeepClone(),
            ["routing"] = JsonNode.Parse(Route(settings, databases, tenant, record).ToString()),
            ["guard"] = guard,
            ["promotion"] = record is null ? null : Describe(record, tables, rows),
            ["stream"] = stream.Section,
            ["warnings"] = new JsonArray([
                .. Warnings(record, guard, slug).Concat(stream.Warnings).Select(warning => (JsonNode)warning),
            ]),
            ["next_steps"] = new JsonArray([.. NextSteps(slug, tenant, record).Select(step => (JsonNode)step)]),
        };
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

    static JsonObject Describe(PromotionRecord record, long tables, long rows)
    {
        var copied = record.Phase(PhaseName.CopyData) is { EndedAt: not null } copy
            ? PhaseData.Read<CopyFacts>(copy.Facts)
            : null;
        return new JsonObject
        {
            ["state"] = record.State,
            ["phase"] =
                record.Phases.LastOrDefault(phase => phase.EndedAt is null)?.Name
                ?? record.Phases.LastOrDefault()?.Name,
            ["mode"] = record.Mode,
            ["started_at"] = Time(record.StartedAt),
            ["ended_at"] = record.EndedAt is { } end ? Time(end) : null,
            ["target"] = JsonSerializer.SerializeToNode(record.Target),
            ["tables"] = tables,
            ["rows"] = copied?.Rows ?? rows,
            ["bytes"] = copied?.Bytes,
            ["pause_ms"] = record.PauseMilliseconds is { } pause ? Math.Round(pause, 1) : null,
            ["error"] = record.Error,
            ["phases"] = new JsonArray([
                .. record.Phases.Select(phase => new JsonObject
                {
                    ["name"] = phase.Name,
                    ["started_at"] = Time(phase.StartedAt),
                    ["seconds"] = phase.EndedAt is { } ended
                        ? Math.Round((ended - phase.StartedAt).TotalSeconds, 3)
                        : null,
                }),
            ]),
        };
    }

    static string Time(DateTime time) => time.ToString("yyyy-MM-ddTHH:mm:ss.fffZ");

    static IEnumerable<string> Warnings(PromotionRecord? record, string? guard, Slug slug)
    {
        if (guard == GuardState.Closed && record is { IsFlipped: false, EndedAt: null })
            yield return $"The write guard is closed: writes of '{slug}' fail until the promotion goes on or is rolled back.";
        if (guard is not null && record is null or { EndedAt: not null })
            yield return $"A write guard of '{slug}' was left behind in the shared database. {DoctorMessages.DoctorRemoves}";
    }
}
