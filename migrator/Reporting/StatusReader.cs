using System.Text.Json.Nodes;
using Migrator.Connections;
using Migrator.Guarding;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Scope;
using Migrator.Settings;
using Npgsql;

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
        var copied = await CopyStatus.ReadAsync(databases, shared, record, cancellationToken);
        var active = await ActiveRun.FindAsync(shared, tenant.Key, cancellationToken);

        var stream = await StreamReport.ReadAsync(databases, shared, tenant, record, cancellationToken);
        var hasArrived = await HasArrivedAsync(databases, record, cancellationToken);
        var hold =
            record is { Stage: PromotionStage.BeforeCutover, EndedAt: null } held
            && await HoldJournal.FindAsync(shared, held.Id, cancellationToken) is { } found
                ? HoldSection.Of(found, stream.Section, active is not null, DateTimeOffset.UtcNow)
                : null;
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
            active,
            record is null ? null : PromotionSection.Of(record, copied),
            stream.Section,
            hold,
            active is null ? [] : await LockHolders.BlockingAsync(shared, databases.ApplicationName, cancellationToken),
            [
                .. hasArrived ? [] : (string[])[GuardMessages.NotArrived(slug, active is not null)],
                .. Warnings(record, guard, active, slug),
                .. stream.Warnings,
            ],
            [
                .. active is null || hold is { Since: not null }
                    ? NextSteps(settings, slug, tenant, record, hasArrived, hold, active is not null)
                    : [$"migrator status --tenant-slug={slug}"],
            ]
        );
    }

    // The run that flipped may have ended before the isolated database was opened. A server that is away is no reason not to
    // tell the rest.
    static async Task<bool> HasArrivedAsync(
        Databases databases,
        PromotionRecord? record,
        CancellationToken cancellationToken
    )
    {
        if (record?.Stage != PromotionStage.Isolated || !CopyStatus.IsSame(record.Target, databases))
            return true;
        try
        {
            await using var isolated = await databases.Isolated.OpenConnectionAsync(cancellationToken);
            return !await ArrivalGuard.IsClosedAsync(isolated, cancellationToken);
        }
        catch (NpgsqlException)
        {
            return true;
        }
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

    /// <summary>The commands that make sense now, with what the journal knows of the promotion.</summary>
    static IEnumerable<string> NextSteps(
        MigratorSettings settings,
        Slug slug,
        Tenant tenant,
        PromotionRecord? record,
        bool hasArrived,
        HoldSection? hold,
        bool isActive
    )
    {
        var there =
            record is null || tenant is { IsIsolated: false } && record.EndedAt is not null ? null : record.Target;
        var target =
            there is null || (there.Host == settings.Target.Host && there.Port == settings.Target.Port)
                ? ""
                : $" --target={there.Host}:{there.Port}";
        var mode = record is { IsOnline: false } ? $" --mode={record.Mode}" : "";
        string Command(string verb, string options = "") => $"migrator {verb} --tenant-slug={slug}{options}{target}";
        return (record, tenant.IsIsolated) switch
        {
            ({ State: PromotionState.RollingBack }, _) => [Command("rollback", " --confirm")],
            ({ EndedAt: null }, false) when hold is { Since: not null, GoAt: not null } && isActive =>
            [
                Command("cutover", " --cancel --confirm"),
            ],
            ({ EndedAt: null }, false) when hold is { Since: not null } =>
            [
                Command("cutover", " --confirm"),
                Command("rollback", " --confirm"),
            ],
            ({ EndedAt: null }, false) => [Command("promote", " --confirm" + mode), Command("rollback", " --confirm")],
            ({ State: PromotionState.Isolated }, true) when !hasArrived =>
            [
                Command("promote", " --confirm" + mode),
                Command("rollback", " --confirm"),
            ],
            ({ State: PromotionState.Isolated }, true) =>
            [
                Command("verify"),
                Command("rollback", " --confirm"),
                Command("finalize", " --confirm"),
            ],
            ({ State: PromotionState.Finalized }, true) => [Command("routes"), Command("rollback", " --confirm")],
            (_, true) => [Command("routes")],
            _ => [Command("promote", " --dry-run" + mode), Command("promote", " --confirm" + mode)],
        };
    }

    static IEnumerable<string> Warnings(PromotionRecord? record, string? guard, ActiveRun? active, Slug slug)
    {
        if (guard == GuardState.Closed && record is { IsFlipped: false, EndedAt: null })
            yield return active is null
                ? $"The write guard was closed by a run that is gone: the next write of '{slug}' opens the guard."
                : $"The write guard is closed: writes of '{slug}' wait or fail until the run that is at work opens it or flips.";
        if (guard is not null && record is null or { EndedAt: not null })
            yield return $"A write guard of '{slug}' was left behind in the shared database. "
                + DoctorMessages.DoctorRemoves;
    }
}
