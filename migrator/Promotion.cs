using System.Diagnostics;
using System.Net.Sockets;
using Migrator.Connections;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Phases;
using Migrator.Progress;
using Migrator.Schema;
using Migrator.Scope;
using Migrator.Settings;
using Migrator.Streaming;
using Migrator.Terminal;
using Npgsql;
using Polly;
using Polly.Retry;

namespace Migrator;

/// <summary>
/// The life of a promotion. Order is data: the lists below say what happens after what. Everything else here is the same for all
/// phases: skip what the journal says is done, record what has been achieved, and after a failure put the tenant where it can work.
/// </summary>
public sealed class Promotion(
    MigratorSettings settings,
    Slug slug,
    PromotionOptions options,
    IPromotionProgress progress,
    TimeProvider clock
)
{
    static readonly Phase[] Fenced =
    [
        new Provision(),
        new InstallGuard(),
        new CloneSchema(),
        new CloseGuard(),
        new CopyData(),
        new BuildSchema(),
        new Verify(),
        new CutOver(),
        new Validate(),
    ];

    static readonly Phase[] Online =
    [
        new Provision(),
        new InstallGuard(),
        new StartStreaming(),
        new CloneSchema(),
        new CopyData(),
        new CatchUp(),
        new BuildSchema(),
        new CloneTriggersAndPolicies(),
        new VerifyOnline(),
        new CutOverOnline(),
        new StopStreaming(),
        new VerifyFlip(),
        new Validate(),
    ];

    static readonly Phase[] RollbackByComparison =
    [
        new CloseIsolatedGuard(),
        new ReconcileShared(),
        new FlipBack(),
        new CleanUpAfterRollback(),
    ];

    static readonly Phase[] RollbackByStream =
    [
        new CatchUpReverse(),
        new VerifyReverse(),
        new FlipBackOnline(),
        new CleanUpAfterRollback(),
    ];

    // A retry goes on with what this process began. When another run had the tenant in between, somebody has decided anew.
    (long Promotion, long Run)? taken;

    static Phase[] Finalization(bool online, int batchSize, bool force) =>
        [
            .. online ? (Phase[])[new VerifyFlip(force)] : [],
            new DeleteShared(batchSize, force),
            new CleanUpAfterFinalize(),
        ];

    static Phase[] PhasesOf(PromotionRecord record) => record.IsOnline ? Online : Fenced;

    /// <summary>Reads everything and changes nothing.</summary>
    public async Task<PreflightResult> PreflightAsync(CancellationToken cancellationToken)
    {
        await using var databases = Databases.For(settings, slug);
        return await new Preflight(settings, databases, slug, options.Mode).RunAsync(cancellationToken);
    }

    /// <summary>Promotes, or goes on with a promotion that was interrupted.</summary>
    public Task PromoteAsync(CancellationToken cancellationToken) =>
        WithRetryAsync(
            "promote",
            async (databases, token) =>
            {
                await using var journal = await LockAsync(databases, token);
                using var until = CancellationTokenSource.CreateLinkedTokenSource(journal.Lost, token);
                var (tenant, record, tools) = await BeginOrResumeAsync(databases, journal, until.Token);
                using var run = await RunOfAsync(databases, journal, tenant, record, tools, until.Token);
                if (record.Phase(Provision.PhaseName)?.EndedAt is not null)
                {
                    // In this order: taking the mark waits for whoever holds it.
                    await databases.EndLeftoverSessionsAsync(until.Token);
                    await run.Isolated.ClaimAsync(until.Token);
                }
                // A run that was killed between the flip and the routing file.
                if (record.IsFlipped)
                    await Flip.PublishAsync(run, until.Token);
                // Nobody watched the isolated database meanwhile: what is flipped has been looked at by the process that flips it.
                else
                    await journal.TransactAsync(
                        transaction => PromotionJournal.ForgetPhasesAsync(transaction, run.Id, [Verify.PhaseName]),
                        until.Token
                    );
                if (!record.IsOnline)
                {
                    await RunPhasesAsync(run, Fenced, until.Token);
                    return;
                }
                if (!record.IsFlipped)
                    await ResumeStreamAsync(run, record, until.Token);
                await SlotWatch.GuardAsync(run, watched => RunPhasesAsync(run, Online, watched), until.Token);
            },
            cancellationToken
        );

    // A run that was killed during the cutover left the guard closed: the tenant works on first. A slot that was lost meanwhile is begun anew.
    static async Task ResumeStreamAsync(PromotionRun run, PromotionRecord record, CancellationToken cancellationToken)
    {
        if (record.Phase(CutOver.PhaseName) is not null)
            await CutOverOnline.OpenGuardAsync(run, cancellationToken);
        if (record.Phase(StartStreaming.PhaseName)?.EndedAt is null)
            return;
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        if (await ReplicationSlot.ExistsAsync(shared, StreamDirection.Forward(run).Name, cancellationToken))
            return;
        run.Progress.Warn(StreamMessages.CopiesAnew(run.Tenant.Slug));
        await GiveUpStreamAsync(run, cancellationToken);
    }

    // The copy is worth nothing without the changes made since.
    static async Task GiveUpStreamAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        // The way home as well: its publication goes with the tables.
        await StreamDirection.RemoveAllAsync(run, cancellationToken);
        var worthless = Online.SkipWhile(phase => phase is not StartStreaming).Select(phase => phase.Name).ToArray();
        await run.Journal.TransactAsync(
            transaction => PromotionJournal.ForgetPhasesAsync(transaction, run.Id, worthless),
            cancellationToken
        );
    }

    /// <summary>Puts the tenant back into the shared database: by undoing what was done, or, after the flip, by bringing its rows home.</summary>
    /// <param name="dropIsolated">Drop the isolated database afterwards.</param>
    public Task RollBackAsync(bool dropIsolated, CancellationToken cancellationToken) =>
        WithRetryAsync(
            "rollback",
            async (databases, token) =>
            {
                await using var journal = await LockAsync(databases, token);
                using var until = CancellationTokenSource.CreateLinkedTokenSource(journal.Lost, token);
                var tenant = await TenantAsync(databases, until.Token);
                var record = await journal.CurrentAsync(tenant.Key, until.Token);
                if (
                    record is null
                    || (record.State == PromotionState.Shared && record.EndedAt is not null && !dropIsolated)
                )
                    throw RollbackMessages.NothingToRollBack(slug);
                using var run = await RunOfAsync(databases, journal, tenant, record, null, until.Token);
                if (record.State == PromotionState.Shared && record.EndedAt is not null)
                {
                    await DropKeptAsync(databases, tenant, record, until.Token);
                    return;
                }

                if (record.IsFlipped || record.Phase(FlipBack.PhaseName)?.EndedAt is not null)
                    await BringBackAsync(run, record, until.Token);
                else
                    await UndoAsync(run, until.Token);
                await journal.TransactAsync(
                    transaction => PromotionJournal.EndAsync(transaction, record.Id, PromotionState.Shared),
                    until.Token
                );
                if (dropIsolated)
                    await DropKeptAsync(databases, tenant, record, until.Token);
            },
            cancellationToken
        );

    /// <summary>Deletes the tenant's rows from the shared database; from then on only a full copy leads back.</summary>
    public Task FinalizeAsync(int batchSize, bool force, CancellationToken cancellationToken) =>
        WithRetryAsync(
            "finalize",
            async (databases, token) =>
            {
                await using var journal = await LockAsync(databases, token);
                using var until = CancellationTokenSource.CreateLinkedTokenSource(journal.Lost, token);
                var tenant = await TenantAsync(databases, until.Token);
                var record = await journal.CurrentAsync(tenant.Key, until.Token);
                if (record is null || record.State != PromotionState.Isolated)
                    throw RollbackMessages.NotFlipped(slug);
                using var run = await RunOfAsync(databases, journal, tenant, record, null, until.Token);
                await RunPhasesAsync(run, Finalization(record.IsOnline, batchSize, force), until.Token);
                await journal.TransactAsync(
                    transaction => PromotionJournal.EndAsync(transaction, record.Id, PromotionState.Finalized),
                    until.Token
                );
            },
            cancellationToken
        );

    async Task<(Tenant, PromotionRecord, PgTools)> BeginOrResumeAsync(
        Databases databases,
        PromotionJournal journal,
        CancellationToken cancellationToken
    )
    {
        var tenant = await TenantAsync(databases, cancellationToken);
        if (await journal.CurrentAsync(tenant.Key, cancellationToken) is { EndedAt: null } current)
        {
            if (current.State == PromotionState.RollingBack || current.Phase(FlipBack.PhaseName)?.EndedAt is not null)
                throw RollbackMessages.RollbackUnderWay(slug);
            if (current.Target != TargetOf(databases))
                throw PromotionMessages.TargetMoved(slug, current.Target);
            if (current.IsFlipped && current.Phase(Validate.PhaseName)?.EndedAt is not null)
                throw PromotionMessages.AlreadyIsolated(slug);
            var noted = PhaseData.Read<Preflight.Facts>(current.Phase(Preflight.PhaseName)!.Facts)!;
            var tools =
                await PgTools.FindAsync(noted.SharedMajor, noted.IsolatedMajor, cancellationToken)
                ?? throw PreflightMessages.Refusal(slug, [PreflightMessages.ToolsMissing(noted.SharedMajor)]);
            return (tenant, current, tools);
        }

        progress.PhaseStarted(Preflight.PhaseName, "Preflight");
        var clock = Stopwatch.StartNew();
        var result = await new Preflight(settings, databases, slug, options.Mode).RunAsync(cancellationToken);
        foreach (var warning in result.Warnings)
            progress.Warn(warning);
        if (result.Faults.Count > 0)
            throw PreflightMessages.Refusal(slug, result.Faults);
        progress.PhaseEnded(
            Preflight.PhaseName,
            "Preflight",
            clock.Elapsed,
            $"{result.Plan.Count} tables, about {result.Plan.Sum(table => table.Rows):N0} rows"
        );

        await journal.InstallAsync(cancellationToken);
        await journal.BeginAsync(
            tenant,
            options.Mode,
            TargetOf(databases),
            Preflight.PhaseName,
            result.Facts,
            clock.Elapsed,
            cancellationToken
        );
        return (tenant, (await journal.CurrentAsync(tenant.Key, cancellationToken))!, result.Tools!);
    }

    async Task<PromotionRun> RunOfAsync(
        Databases databases,
        PromotionJournal journal,
        Tenant tenant,
        PromotionRecord record,
        PgTools? tools,
        CancellationToken cancellationToken
    )
    {
        if (record.Target != TargetOf(databases))
            throw PromotionMessages.TargetMoved(slug, record.Target);
        await using var shared = await databases.Shared.OpenConnectionAsync(cancellationToken);
        var scope = TenantScope.Classify(await Catalog.ReadAsync(shared, cancellationToken), settings.Tenancy);
        taken = null;
        var number = await journal.NextRunAsync(record.Id, cancellationToken);
        taken = (record.Id, number);
        return new(settings, options, databases, tenant, scope, tools!, journal, record, number, progress, clock);
    }

    async Task RunPhasesAsync(PromotionRun run, IReadOnlyList<Phase> phases, CancellationToken cancellationToken)
    {
        foreach (var phase in phases)
        {
            if ((await run.RecordAsync(cancellationToken)).Phase(phase.Name)?.EndedAt is not null)
            {
                progress.PhaseKept(phase.Name, phase.Title);
                continue;
            }
            await run.Journal.PhaseStartedAsync(run.Id, phase.Name, phase.State, cancellationToken);
            progress.PhaseStarted(phase.Name, phase.Title);
            var watch = Stopwatch.StartNew();
            var outcome = await phase.RunAsync(run, cancellationToken);
            if (!outcome.Recorded)
                await run.Journal.PhaseEndedAsync(run.Id, phase.Name, outcome.Facts, cancellationToken);
            progress.PhaseEnded(phase.Name, phase.Title, watch.Elapsed, outcome.Summary);
        }
    }

    async Task UndoAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        foreach (var phase in PhasesOf(await run.RecordAsync(cancellationToken)).Reverse())
        {
            if ((await run.RecordAsync(cancellationToken)).Phase(phase.Name) is null)
                continue;
            progress.PhaseStarted(phase.Name, $"Undo: {phase.Title}");
            var watch = Stopwatch.StartNew();
            // Not done from the first step of its undo on: a promotion after a kill here is not to build on what is half gone.
            await run.Journal.ReopenPhaseAsync(run.Id, phase.Name, cancellationToken);
            await phase.UndoAsync(run, cancellationToken);
            await run.Journal.TransactAsync(
                transaction => PromotionJournal.ForgetPhasesAsync(transaction, run.Id, [phase.Name]),
                cancellationToken
            );
            progress.PhaseEnded(phase.Name, $"Undo: {phase.Title}", watch.Elapsed, null);
        }
    }

    async Task BringBackAsync(PromotionRun run, PromotionRecord record, CancellationToken cancellationToken)
    {
        await using (var server = await run.Databases.Maintenance.OpenConnectionAsync(cancellationToken))
            if (
                !await server.ExecuteScalarAsync<bool>(
                    "SELECT EXISTS (SELECT FROM pg_database WHERE datname = @Database)",
                    new { record.Target.Database },
                    cancellationToken
                )
            )
                throw RollbackMessages.IsolatedGone(slug, record.Target);
        if (record.State == PromotionState.Finalized || record.State == PromotionState.Isolated)
            await run.Journal.TransactAsync(
                async transaction =>
                {
                    // What finalize deleted comes home: it would have to delete it again.
                    await PromotionJournal.ForgetPhasesAsync(
                        transaction,
                        run.Id,
                        [
                            .. RollbackByComparison
                                .Concat(RollbackByStream)
                                .Concat(Finalization(online: false, 0, force: false))
                                .Select(phase => phase.Name),
                        ]
                    );
                    await transaction.ExecuteAsync(
                        "UPDATE tenant_promotion.promotion SET state = @state, ended_at = NULL WHERE id = @Id",
                        new { run.Id, state = PromotionState.RollingBack }
                    );
                },
                cancellationToken
            );
        else if (record.State == PromotionState.RollingBack)
            // The first takes the isolated database for this run, which nothing later could write in otherwise.
            await run.Journal.TransactAsync(
                transaction =>
                    PromotionJournal.ForgetPhasesAsync(
                        transaction,
                        run.Id,
                        [.. RollbackByStream.Take(2).Select(phase => phase.Name)]
                    ),
                cancellationToken
            );
        if (!await FollowsStreamAsync(run, record, cancellationToken))
        {
            await RunPhasesAsync(run, RollbackByComparison, cancellationToken);
            return;
        }
        try
        {
            await RunPhasesAsync(run, RollbackByStream, cancellationToken);
        }
        catch (MigratorException apart) when (apart.StreamLost)
        {
            run.Progress.Warn(RollbackMessages.ComparesInstead(apart.Message));
            await StreamDirection.RemoveAllAsync(run, cancellationToken);
            await RunPhasesAsync(run, RollbackByComparison, cancellationToken);
        }
    }

    // Until finalize an online promotion leaves a slot behind that keeps what is written after the flip.
    static async Task<bool> FollowsStreamAsync(
        PromotionRun run,
        PromotionRecord record,
        CancellationToken cancellationToken
    )
    {
        if (!record.IsOnline || record.State == PromotionState.Finalized)
            return false;
        if (record.Phase(FlipBack.PhaseName)?.EndedAt is not null)
            return true;
        await using var isolated = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken);
        return await ReplicationSlot.ExistsAsync(isolated, StreamDirection.Reverse(run).Name, cancellationToken);
    }

    async Task DropKeptAsync(
        Databases databases,
        Tenant tenant,
        PromotionRecord record,
        CancellationToken cancellationToken
    )
    {
        await using var server = await databases.Maintenance.OpenConnectionAsync(cancellationToken);
        if (
            !await server.ExecuteScalarAsync<bool>(
                "SELECT EXISTS (SELECT FROM pg_database WHERE datname = @Database)",
                new { record.Target.Database },
                cancellationToken
            )
        )
            return;
        await using (var isolated = await databases.Isolated.OpenConnectionAsync(cancellationToken))
            if (await IsolatedJournal.OwnerAsync(isolated, cancellationToken) != tenant.Key)
                throw PreflightMessages.Refusal(
                    slug,
                    [PreflightMessages.TargetNotOurs(slug, databases.IsolatedServer)]
                );
        await databases.EndLeftoverSessionsAsync(cancellationToken);
        await Provision.DropDatabaseAsync(server, slug, cancellationToken);
    }

    Task<Tenant> TenantAsync(Databases databases, CancellationToken cancellationToken) =>
        Query(
            databases.Shared,
            connection => TenantLookup.FindAsync(connection, settings.Tenancy, slug, cancellationToken),
            cancellationToken
        );

    async Task<PromotionJournal> LockAsync(Databases databases, CancellationToken cancellationToken)
    {
        var key = (await TenantAsync(databases, cancellationToken)).Key;
        var journal = await PromotionJournal.LockAsync(databases, key, cancellationToken);
        try
        {
            if (
                taken is not null
                && (await journal.CurrentAsync(key, cancellationToken) is not { } now || (now.Id, now.Run) != taken)
            )
                throw PromotionMessages.Superseded(slug);
            return journal;
        }
        catch
        {
            await journal.DisposeAsync();
            throw;
        }
    }

    static async Task<T> Query<T>(
        NpgsqlDataSource database,
        Func<NpgsqlConnection, Task<T>> query,
        CancellationToken cancellationToken
    )
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await query(connection);
    }

    static Target TargetOf(Databases databases) =>
        new(databases.IsolatedServer.Host!, databases.IsolatedServer.Port, databases.Slug.DatabaseName);

    // A retry is a resume: the same path as after a kill -9, which is why it is safe.
    async Task WithRetryAsync(
        string verb,
        Func<Databases, CancellationToken, Task> attempt,
        CancellationToken cancellationToken
    )
    {
        var pipeline = new ResiliencePipelineBuilder { TimeProvider = clock }
            .AddRetry(
                new RetryStrategyOptions
                {
                    ShouldHandle = new PredicateBuilder().Handle<MigratorException>(failure => failure.Transient),
                    BackoffType = DelayBackoffType.Exponential,
                    Delay = TimeSpan.FromSeconds(1),
                    MaxRetryAttempts = 4,
                    OnRetry = arguments =>
                    {
                        progress.Warn(
                            ServerMessages.Retrying(arguments.Outcome.Exception!.Message, arguments.RetryDelay)
                        );
                        return ValueTask.CompletedTask;
                    },
                }
            )
            .Build();
        try
        {
            await pipeline.ExecuteAsync(
                async token =>
                {
                    await using var databases = Databases.For(settings, slug);
                    try
                    {
                        await attempt(databases, token);
                    }
                    catch (Exception e) when (Translate(e, token) is { } failure)
                    {
                        throw failure;
                    }
                },
                cancellationToken
            );
        }
        catch (Exception e)
        {
            await SettleAsync(e);
            if (cancellationToken.IsCancellationRequested && e is not MigratorException)
                throw PromotionMessages.Interrupted(verb, slug);
            throw;
        }
    }

    /// <summary>What went wrong, as a sentence; null for a bug, and for the user's own Ctrl-C.</summary>
    public static MigratorException? Translate(Exception e, CancellationToken cancellationToken) =>
        e switch
        {
            _ when cancellationToken.IsCancellationRequested && e is not MigratorException => null,
            MigratorException failure => failure,
            OperationCanceledException => ServerMessages.Lost("its server ended it"),
            PostgresException
            {
                SqlState: PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification
            } login => ServerMessages.LoginRefused(login),
            PostgresException { SqlState: PostgresErrorCodes.InvalidCatalogName } missing =>
                ServerMessages.NoSuchDatabase(missing),
            PostgresException { SqlState: PostgresErrorCodes.DiskFull } full => ServerMessages.DiskFull(full),
            PostgresException
            {
                SqlState: PostgresErrorCodes.AdminShutdown
                    or PostgresErrorCodes.CrashShutdown
                    or PostgresErrorCodes.CannotConnectNow
            } down => ServerMessages.Unreachable(down),
            PostgresException said => ServerMessages.ServerSaid(said),
            NpgsqlException unreachable => ServerMessages.Unreachable(unreachable),
            IOException or SocketException => ServerMessages.Lost(e.Message),
            AggregateException { InnerException: { } inner } => Translate(inner, cancellationToken),
            _ => null,
        };

    // After a failure or Ctrl-C, with the tenant not flipped, its writes must go on where they are; what was copied behind the guard is forgotten.
    async Task SettleAsync(Exception cause)
    {
        if (cause is MigratorException { Code: ExitCode.Usage or ExitCode.Refused or ExitCode.Busy })
            return;
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        try
        {
            await using var databases = Databases.For(settings, slug);
            await using var journal = await LockAsync(databases, timeout.Token);
            var tenant = await TenantAsync(databases, timeout.Token);
            if (await journal.CurrentAsync(tenant.Key, timeout.Token) is not { EndedAt: null } record)
                return;
            await journal.ErrorAsync(
                record.Id,
                cause is MigratorException failure ? failure.Message : "interrupted",
                timeout.Token
            );
            using var run = await RunOfAsync(databases, journal, tenant, record, null, timeout.Token);
            if (record.State == PromotionState.RollingBack)
                await SettleRollbackAsync(run, timeout.Token);
            else if (record.IsFlipped || record.Phase(FlipBack.PhaseName)?.EndedAt is not null)
                return;
            else if (record.Phase(CloseGuard.PhaseName) is not null)
            {
                await CloseGuard.OpenAsync(run, timeout.Token);
                progress.Info(GuardMessages.GuardOpened(slug));
            }
            else if (record.IsOnline)
            {
                if (record.Phase(CutOver.PhaseName) is not null)
                {
                    await CutOverOnline.OpenGuardAsync(run, timeout.Token);
                    progress.Info(GuardMessages.GuardOpened(slug));
                }
                if (cause is MigratorException { StreamLost: true })
                    await GiveUpStreamAsync(run, timeout.Token);
            }
        }
        catch (MigratorException superseded) when (superseded.Code == ExitCode.Busy)
        {
            // Whoever has the tenant now looks after its guard.
        }
        catch (Exception e)
            when (e
                    is NpgsqlException
                        or MigratorException
                        or OperationCanceledException
                        or IOException
                        or InvalidOperationException
            )
        {
            progress.Warn(GuardMessages.GuardLeftClosed(slug));
        }
    }

    static async Task SettleRollbackAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        // First: were the guard open and the journal said closed, the next rollback would bring rows home while the tenant writes.
        await run.Journal.TransactAsync(
            transaction =>
                PromotionJournal.ForgetPhasesAsync(
                    // By stream some of it is home already; what finalize may delete is recorded anew.
                    transaction,
                    run.Id,
                    [.. RollbackByComparison.Concat(RollbackByStream).Select(phase => phase.Name), VerifyFlip.PhaseName]
                ),
            cancellationToken
        );
        await new CloseIsolatedGuard().UndoAsync(run, cancellationToken);
        await run.Journal.TransactAsync(
            transaction =>
                transaction.ExecuteAsync(
                    "UPDATE tenant_promotion.promotion SET state = @state WHERE id = @Id",
                    new { run.Id, state = PromotionState.Isolated }
                ),
            cancellationToken
        );
    }
}
