using Migrator.Connections;
using Migrator.Guarding;
using Migrator.Journal;
using Migrator.Model;
using Migrator.Progress;
using Migrator.Schema;
using Migrator.Scope;
using Migrator.Settings;
using Migrator.Terminal;
using Npgsql;

namespace Migrator.Phases;

/// <summary>
/// One step of a promotion. Running it again after an interruption completes it; undoing it, done or half done, leaves nothing behind.
/// Phases do not know each other: what one learns and another needs is in the journal.
/// </summary>
public abstract class Phase
{
    /// <summary>The name in the journal.</summary>
    public abstract string Name { get; }

    /// <summary>What a person reads while it runs.</summary>
    public abstract string Title { get; }

    /// <summary>The promotion's state while this phase runs.</summary>
    public abstract string State { get; }

    /// <summary>Does the work. What it returns is recorded as the phase's facts.</summary>
    public abstract Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken);

    /// <summary>Takes the work back, in the reverse order of the phases; only before the flip.</summary>
    public virtual Task UndoAsync(PromotionRun run, CancellationToken cancellationToken) => Task.CompletedTask;
}

/// <param name="Summary">A few words for the person watching.</param>
/// <param name="Facts">What later phases, <c>status</c> or a later run need to know.</param>
/// <param name="Recorded">True when the phase has marked itself done, in a transaction of its own.</param>
public sealed record PhaseOutcome(string? Summary = null, object? Facts = null, bool Recorded = false);

/// <summary>What every phase of one process works with.</summary>
public sealed class PromotionRun(
    MigratorSettings settings,
    PromotionOptions options,
    Databases databases,
    Tenant tenant,
    TenantScope scope,
    PgTools tools,
    PromotionJournal journal,
    PromotionRecord promotion,
    long run,
    IPromotionProgress progress,
    TimeProvider clock
) : IDisposable
{
    SchemaArchive? archive;

    public Tenancy Tenancy => settings.Tenancy;
    public PromotionOptions Options => options;
    public Databases Databases => databases;
    public Tenant Tenant => tenant;
    public TenantScope Scope => scope;
    public PromotionJournal Journal => journal;
    public IPromotionProgress Progress => progress;
    public TimeProvider Clock => clock;
    public long Id => promotion.Id;
    public Target Target => promotion.Target;

    public IsolatedJournal Isolated { get; } = new(databases.Isolated, tenant, promotion.Id, run);

    /// <summary>The guard in the shared database.</summary>
    public WriteGuard Guard { get; } =
        new(
            databases.Shared,
            scope,
            tenant,
            (connection, cancellationToken) =>
                PromotionJournal.RequireCurrentRunAsync(connection, tenant.Slug, promotion.Id, run, cancellationToken)
        );

    /// <summary>A transaction that holds the isolated database's snapshot as it was flipped; only the process that flipped has one.</summary>
    public NpgsqlConnection? AsFlipped
    {
        get;
        set
        {
            field?.Dispose();
            field = value;
        }
    }

    public Routing.RoutingFolder Routing { get; } = new(settings.RoutingDirectory);

    /// <summary>To be called in every transaction that writes in the shared database; see <see cref="PromotionJournal.RequireCurrentRunAsync"/>.</summary>
    public Task RequireCurrentRunAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        PromotionJournal.RequireCurrentRunAsync(connection, tenant.Slug, promotion.Id, run, cancellationToken);

    /// <summary>The promotion as the journal has it now.</summary>
    public async Task<PromotionRecord> RecordAsync(CancellationToken cancellationToken) =>
        (await journal.CurrentAsync(tenant.Key, cancellationToken))!;

    /// <summary>The shared schema, dumped at most once a process; the fingerprint vouches that it is still what Preflight saw.</summary>
    public async Task<SchemaArchive> ArchiveAsync(CancellationToken cancellationToken) =>
        archive ??= await SchemaArchive.DumpAsync(tools, databases, cancellationToken);

    public void Dispose()
    {
        AsFlipped = null;
        archive?.Dispose();
    }
}
