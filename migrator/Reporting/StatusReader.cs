using System.Text.Json.Nodes;
using Migrator.Connections;
using Migrator.Doctor;
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
        var hold = await HoldAsync(shared, record, stream, active, cancellationToken);
        var told = await OutboxJournal.OfTenantAsync(shared, tenant.Key, cancellationToken);
        HookSection[] hooks = [.. told.Select(HookSection.Of)];
        var section = record is null ? null : PromotionSection.Of(record, copied);
        var advice = new StatusAdvice(settings, tenant, record, active is not null);
        return Row(settings, tenant, Route(settings, databases, tenant, record)) with
        {
            Guard = guard,
            Run = active,
            Promotion = section,
            Stream = stream.Section,
            Hold = hold,
            Progress =
                active is null || record is null
                    ? null
                    : ProgressSection.Of(
                        await ProgressJournal.FindAsync(shared, record.Id, cancellationToken),
                        section?.Phase
                    ),
            Load =
                active is null || record is null
                    ? null
                    : LoadSection.Of(await GovernorJournal.FindAsync(shared, record.Id, cancellationToken)),
            Hooks = hooks,
            WaitsFor = active is null
                ? []
                : await LockHolders.BlockingAsync(shared, databases.ApplicationName, cancellationToken),
            Warnings =
            [
                .. hasArrived ? [] : (string[])[GuardMessages.NotArrived(slug, active is not null)],
                .. advice.Warnings(guard),
                .. guard is null || active is not null
                    ? []
                    : await TriggerWarningsAsync(settings, shared, tenant, record, cancellationToken),
                .. stream.Warnings,
                .. HookSection.Warnings(slug, hooks, active is not null),
            ],
            NextSteps =
                active is null || hold is { Since: not null }
                    ? [.. advice.NextSteps(hasArrived, hold)]
                    : [$"migrator status --tenant-slug={slug}"],
        };
    }

    // The tenant's own row, and nothing yet of its move.
    static StatusDocument Row(MigratorSettings settings, Tenant tenant, RoutingDocument routing)
    {
        var row = tenant.Columns;
        return new(
            tenant.Slug.Text,
            tenant.Key,
            tenant.IsolationMode,
            row["plan"],
            row["status"],
            row["created_at"],
            row["updated_at"],
            (row[settings.Tenancy.SettingsColumn] as JsonObject)?["isolation"],
            routing,
            Guard: null,
            Run: null,
            Promotion: null,
            Stream: null,
            Hold: null,
            Progress: null,
            Load: null,
            Hooks: [],
            WaitsFor: [],
            Warnings: [],
            NextSteps: []
        );
    }

    static async Task<HoldSection?> HoldAsync(
        NpgsqlConnection shared,
        PromotionRecord? record,
        StreamReport stream,
        ActiveRun? active,
        CancellationToken cancellationToken
    ) =>
        record is { Stage: PromotionStage.BeforeCutover, EndedAt: null } held
        && await HoldJournal.FindAsync(shared, held.Id, cancellationToken) is { } found
            ? HoldSection.Of(found, stream.Section, active is not null, DateTimeOffset.UtcNow)
            : null;

    static async Task<IReadOnlyList<string>> TriggerWarningsAsync(
        MigratorSettings settings,
        NpgsqlConnection shared,
        Tenant tenant,
        PromotionRecord? record,
        CancellationToken cancellationToken
    )
    {
        var isFenced = record?.Stage == PromotionStage.Finalized;
        if (!isFenced && !ExpectedObjects.NeedsTriggers(record))
            return [];
        var scope = (await TenantScope.ReadAsync(shared, settings.Tenancy, cancellationToken)).WithoutStrangers();
        var (whose, missing) = isFenced
            ? ("the fence", await Fence.MissingAsync(shared, scope, cancellationToken))
            : ("the write guard", await WriteGuard.MissingAsync(shared, scope, tenant, cancellationToken));
        return missing.Count == 0 ? [] : [DoctorMessages.GuardWarning(whose, missing)];
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
}
