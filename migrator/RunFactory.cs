using Migrator.Connections;
using Migrator.Governing;
using Migrator.Guarding;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Preflight;
using Migrator.Progress;
using Migrator.Runs;
using Migrator.Schema;
using Migrator.Scope;
using Migrator.Settings;

namespace Migrator;

/// <summary>Acquires the tenant's lock, and begins or resumes its promotion.</summary>
sealed class RunFactory(
    MigratorSettings settings,
    Databases databases,
    PromotionOptions options,
    IPromotionProgress progress,
    Governor governor,
    TimeProvider clock
)
{
    /// <summary>
    /// The promotion and its run that this process has begun; null before. A retry resumes this process's own run. If another
    /// run held the tenant in between, that run's decision counts.
    /// </summary>
    public (long Promotion, long Run)? Begun { get; private set; }

    public Slug Slug => databases.Slug;

    /// <summary>The promotion that this process has taken up, as it stood then; null when it got nowhere.</summary>
    public PromotionRecord? Latest { get; private set; }

    Target Target => new(databases.IsolatedServer.Host!, databases.IsolatedServer.Port, Slug.DatabaseName);

    /// <exception cref="MigratorException">
    /// <see cref="ExitCode.Busy"/> when another run holds the tenant, or has held it since.
    /// </exception>
    public async Task<HeldTenant> HoldAsync(CancellationToken cancellationToken)
    {
        databases.Clear();
        Tenant tenant;
        await using (var shared = await databases.Shared.OpenConnectionAsync(cancellationToken))
            tenant = await TenantLookup.FindAsync(shared, settings.Tenancy, Slug, cancellationToken);
        var journal = await PromotionJournal.LockAsync(databases, tenant.Key, clock, cancellationToken);
        try
        {
            if (
                Begun is not null
                && (
                    await journal.CurrentAsync(tenant.Key, cancellationToken) is not { } now
                    || (now.Id, now.Run) != Begun
                )
            )
                throw PromotionMessages.Superseded(Slug);
            return new(tenant, journal, cancellationToken);
        }
        catch
        {
            await journal.DisposeAsync();
            throw;
        }
    }

    /// <summary>A run of the promotion under way, or of a new promotion if preflight finds no fault.</summary>
    public async Task<PromotionRun> BeginOrResumeAsync(HeldTenant held)
    {
        var record = await held.Journal.CurrentAsync(held.Tenant.Key, held.Token);
        switch (record?.Stage)
        {
            case PromotionStage.RollingBack or PromotionStage.FlippedBack:
                throw RollbackMessages.RollbackUnderWay(Slug);
            case PromotionStage.Isolated when record.Phase(PhaseName.Validate)?.EndedAt is not null:
                throw PromotionMessages.AlreadyIsolated(Slug);
            case PromotionStage.Isolated or PromotionStage.BeforeCutover:
                var facts = PhaseData.Read<PreflightFacts>(record.Phase(PhaseName.Preflight)!.Facts)!;
                var tools = await ToolsAsync(facts, held.Token);
                return facts.Fingerprint.Length > 0
                    ? await OfAsync(held, record, tools)
                    : await RecordAsync(held, record, tools);
        }
        var result = await InspectAsync(held);
        record = await BeginAsync(held, result.Found, result.Took);
        return await RecordAsync(held, record, result.Found.Tools);
    }

    // Before the first phase, also by the run that follows one that was killed here.
    async Task<PromotionRun> RecordAsync(HeldTenant held, PromotionRecord record, PgTools? tools)
    {
        await using (var shared = await databases.Shared.OpenConnectionAsync(held.Token))
            await SchemaRecord.WriteAsync(shared, record.Id, held.Token);
        // Read again: a table that came since preflight looked is in the scope or in the changes.
        var run = await OfAsync(held, record, tools);
        await run.RecordSchemaAsync(held.Token);
        return run;
    }

    async Task<(PreflightResult Found, TimeSpan Took)> InspectAsync(HeldTenant held)
    {
        progress.PhaseStarted(PhaseName.Preflight, "Preflight");
        var began = clock.GetTimestamp();
        var inspection = new PreflightInspection(settings, databases, Slug, options.Mode, options.Jobs);
        var found = await inspection.RunAsync(held.Token);
        foreach (var warning in found.Warnings)
            progress.Warn(warning);
        if (found.Faults.Count > 0)
            throw PreflightMessages.Refusal(Slug, found.Faults);
        var took = clock.GetElapsedTime(began);
        var summary = $"{found.Plan.Count} tables, about {found.Plan.Sum(table => table.Rows):N0} rows";
        progress.PhaseEnded(PhaseName.Preflight, "Preflight", took, summary);
        return (found, took);
    }

    async Task<PromotionRecord> BeginAsync(HeldTenant held, PreflightResult found, TimeSpan took)
    {
        await held.Journal.InstallAsync(held.Token);
        await held.Journal.BeginAsync(
            held.Tenant,
            options.Mode,
            Target,
            PhaseName.Preflight,
            found.Facts,
            took,
            held.Token
        );
        return (await held.Journal.CurrentAsync(held.Tenant.Key, held.Token))!;
    }

    /// <summary>A new run of a promotion: from here on earlier runs cannot write.</summary>
    /// <param name="tools">Null if the schema is not dumped.</param>
    public async Task<PromotionRun> OfAsync(HeldTenant held, PromotionRecord record, PgTools? tools = null)
    {
        if (record.Target != Target)
            throw PromotionMessages.TargetMoved(Slug, record.Target);
        var (identity, all) = await ReadAsync(held.Token);
        var (scope, common) = await IsolatedDatabase.ScopesAsync(databases, record, all, held.Token);
        var isFirst = Begun is null;
        Begun = null;
        // An earlier version may have begun the promotion: its guard gets the functions of this one.
        await held.Journal.InstallAsync(held.Token);
        if (isFirst)
            await held.Journal.TransactAsync(
                transaction =>
                    GovernorJournal.BeginAsync(
                        transaction,
                        record.Id,
                        (options.MaxRate, options.MaxReplicaLag, options.MaxActiveSessions)
                    ),
                held.Token
            );
        governor.IsUrgent = record is { Stage: PromotionStage.BeforeCutover, IsOnline: false };
        var number = await held.Journal.NextRunAsync(record.Id, held.Token);
        Begun = (record.Id, number);
        Latest = record;
        progress.Begun(identity, record.Id, record.Mode);
        return new(
            settings,
            options,
            databases,
            held.Tenant,
            identity,
            scope,
            common,
            tools!,
            held.Journal,
            record,
            number,
            progress,
            governor,
            clock
        );
    }

    /// <summary>The tenant's guard in the shared database, when no promotion is under way.</summary>
    public async Task<WriteGuard> GuardAsync(HeldTenant held)
    {
        var (_, scope) = await ReadAsync(held.Token);
        return new(databases.Shared, scope, held.Tenant, clock);
    }

    async Task<(DatabaseIdentity, TenantScope)> ReadAsync(CancellationToken cancellationToken)
    {
        await using var shared = await databases.Shared.OpenConnectionAsync(cancellationToken);
        var scope = await TenantScope.ReadAsync(shared, settings.Tenancy, cancellationToken);
        return (await IsolatedMark.IdentityAsync(shared, cancellationToken), scope);
    }

    async Task<PgTools> ToolsAsync(PreflightFacts noted, CancellationToken cancellationToken)
    {
        return await PgTools.FindAsync(noted.SharedMajor, noted.IsolatedMajor, cancellationToken)
            ?? throw PreflightMessages.Refusal(Slug, [PreflightMessages.ToolsMissing(noted.SharedMajor)]);
    }
}
