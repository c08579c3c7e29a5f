using Migrator.Connections;
using Migrator.Copying;
using Migrator.Governing;
using Migrator.Guarding;
using Migrator.Journal;
using Migrator.Model;
using Migrator.Progress;
using Migrator.Routing;
using Migrator.Schema;
using Migrator.Scope;
using Migrator.Settings;
using Migrator.Streaming;
using Npgsql;

namespace Migrator.Runs;

/// <summary>The data and connections that every phase of one process works with.</summary>
public sealed class PromotionRun(
    MigratorSettings settings,
    PromotionOptions options,
    Databases databases,
    Tenant tenant,
    DatabaseIdentity identity,
    TenantScope scope,
    TenantScope common,
    PgTools tools,
    PromotionJournal journal,
    PromotionRecord promotion,
    long run,
    IPromotionProgress progress,
    Governor governor,
    TimeProvider clock
) : IDisposable
{
    SchemaArchive? archive;

    public Tenancy Tenancy => settings.Tenancy;
    public PromotionOptions Options => options;
    public Databases Databases => databases;
    public Tenant Tenant => tenant;
    public TenantScope Scope => scope;

    /// <summary>
    /// The scope without the tables and columns that a migration since the flip has given to the shared database alone:
    /// what a rollback copies. Before the flip it is the scope itself.
    /// </summary>
    public TenantScope Common => common;
    public PromotionJournal Journal => journal;
    public IPromotionProgress Progress => progress;
    public TimeProvider Clock => clock;

    /// <summary>Lets this run work or stand still.</summary>
    public Governor Governor => governor;

    /// <summary>The promotion as it was when this run began.</summary>
    public PromotionRecord Record => promotion;
    public DatabaseIdentity Identity => identity;
    public long Id => promotion.Id;
    public Target Target => promotion.Target;

    public IsolatedJournal Isolated { get; } =
        new(databases.Isolated, tenant, identity, promotion.Id, run, promotion.IsFlipped);

    /// <summary>The guard in the shared database.</summary>
    public WriteGuard Guard { get; } =
        new(
            databases.Shared,
            scope,
            tenant,
            clock,
            (connection, cancellationToken) =>
                PromotionJournal.RequireCurrentRunAsync(connection, tenant.Slug, promotion.Id, run, cancellationToken)
        );

    /// <summary>The shared database, as one whose guard is closed.</summary>
    public GuardedDatabase Guarded => new(Guard, databases.SharedServer, clock, journal.TransactAsync);

    /// <summary>The guard in the isolated database, which exists during a rollback.</summary>
    public IsolatedGuard IsolatedGuard => new(this);

    /// <summary>Makes the shared rows equal to the isolated ones, in a rollback.</summary>
    public RowReconciler Reconciler =>
        new(databases, common, tenant, Guard, RequireCurrentRunAsync, options.Jobs, progress, clock);

    /// <summary>Brings new rows of reference tables home, in a rollback.</summary>
    public ReferenceRows ReferenceRows => new(databases, common, tenant, RequireCurrentRunAsync, clock);

    /// <summary>What the two streams work with.</summary>
    public StreamContext Stream =>
        field ??= new(
            databases,
            common,
            tenant,
            Id,
            Isolated,
            Guard,
            common
                .Tables.Where(table => promotion.Recopied.ContainsKey(table.Name.ToString()))
                .ToDictionary(
                    table => table.Name,
                    table => new ShownTransactions(promotion.Recopied[table.Name.ToString()])
                ),
            RequireCurrentRunAsync,
            ReferenceRows.BringHomeAsync,
            progress,
            governor,
            clock
        );

    /// <summary>The rows that changes have touched since the last comparison.</summary>
    public DirtyKeys Touched { get; } = new();

    /// <summary>
    /// A transaction with the isolated database's snapshot as of the flip; only the process that flipped has
    /// one.
    /// </summary>
    public NpgsqlConnection? AsFlipped
    {
        get;
        set
        {
            field?.Dispose();
            field = value;
        }
    }

    /// <summary>
    /// The guard that this process keeps closed between phases: the shared one in a fenced promotion, the isolated one
    /// in a rollback by comparison.
    /// </summary>
    public ClosedGuard? Closed
    {
        get;
        set
        {
            field?.Dispose();
            field = value;
        }
    }

    public RoutingFolder Routing { get; } = new(settings.RoutingDirectory);

    /// <summary>
    /// Must be called in every transaction that writes in the shared database; see
    /// <see cref="PromotionJournal.RequireCurrentRunAsync"/>.
    /// </summary>
    public Task RequireCurrentRunAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        PromotionJournal.RequireCurrentRunAsync(connection, tenant.Slug, promotion.Id, run, cancellationToken);

    /// <summary>Notes what hooks are told, in the transaction of what happened.</summary>
    /// <param name="reason">Why; null where the event says it all.</param>
    public Task HappenedAsync(JournalTransaction transaction, string happened, string? reason = null) =>
        OutboxJournal.AddAsync(
            transaction.Connection,
            promotion.Id,
            happened,
            Tenancy.HooksOf(happened),
            reason,
            transaction.Cancel
        );

    /// <summary>Ends the promotion.</summary>
    public Task EndAsync(string state, string happened, CancellationToken cancellationToken) =>
        journal.TransactAsync(
            async transaction =>
            {
                await PromotionJournal.EndAsync(transaction, promotion.Id, state);
                await HappenedAsync(transaction, happened);
            },
            cancellationToken
        );

    /// <summary>The promotion as it is in the journal now.</summary>
    public async Task<PromotionRecord> RecordAsync(CancellationToken cancellationToken) =>
        (await journal.CurrentAsync(tenant.Key, cancellationToken))!;

    /// <summary>
    /// The shared schema, dumped at most once per run. The recorded definitions prove that it is still the schema
    /// that the copy is of.
    /// </summary>
    public async Task<SchemaArchive> ArchiveAsync(CancellationToken cancellationToken) =>
        archive ??= await SchemaArchive.DumpAsync(tools, databases, cancellationToken);

    /// <summary>Notes the shared schema as pg_dump writes it now.</summary>
    public async Task RecordSchemaAsync(CancellationToken cancellationToken)
    {
        var hash = await SchemaDump.HashAsync(tools, databases, cancellationToken);
        await journal.Phases.NoteAsync(Id, PhaseName.Preflight, new { Fingerprint = hash }, cancellationToken);
    }

    /// <summary>The shared schema is, as pg_dump writes it, what was noted last.</summary>
    public async Task<bool> IsSchemaRecordedAsync(CancellationToken cancellationToken)
    {
        var facts = (await RecordAsync(cancellationToken)).Phase(PhaseName.Preflight)!.Facts;
        return PhaseData.Read<PreflightFacts>(facts)!.Fingerprint
            == await SchemaDump.HashAsync(tools, databases, cancellationToken);
    }

    public void Dispose()
    {
        AsFlipped = null;
        Closed = null;
        archive?.Dispose();
    }
}
