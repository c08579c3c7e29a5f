using Migrator.Connections;
using Migrator.Cutover;
using Migrator.Governing;
using Migrator.Hooks;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Phases;
using Migrator.Preflight;
using Migrator.Progress;
using Migrator.Runs;
using Migrator.Settings;
using Migrator.Streaming;

namespace Migrator;

/// <summary>The life of a promotion. Order is data: the lists below define which phase follows which.</summary>
public sealed class Promotion(
    MigratorSettings settings,
    Databases databases,
    PromotionOptions options,
    IPromotionProgress shown,
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
        new TryApplicationLogin(),
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
        new TryApplicationLogin(),
        new VerifyOnline(),
        new Rehearse(),
        new Hold(),
        new CutOverOnline(),
        new StopStreaming(),
        new VerifyFlip(),
        new Validate(),
    ];

    static readonly string[] BehindTheFlip = [PhaseName.StopStreaming, PhaseName.VerifyFlip, PhaseName.Validate];

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

    static Phase[] Finalization(bool verifies, int batchSize, bool force) =>
        [
            .. verifies ? (Phase[])[new VerifyFlip(force)] : [],
            new DeleteShared(batchSize, force),
            new CleanUpAfterFinalize(),
        ];

    readonly ProgressMeter progress = new(shown, clock);
    readonly Rollback rollback = new(RollbackByComparison, RollbackByStream, Finalization(true, 0, force: false));

    SchemaMovedException? moved;

    Governor Governor =>
        field ??= new(
            databases,
            new(options.MaxRate, options.MaxReplicaLag, options.MaxActiveSessions, options.ThrottleQuery),
            () => Runs.Begun?.Promotion,
            progress,
            clock
        );

    RunFactory Runs => field ??= new(settings, databases, options, progress, Governor, clock);

    PhaseRunner Runner => field ??= new(progress, clock);

    HoldKeeper Keeper => field ??= new(Runner, options, progress, clock);

    Recovery Recovery => new(Runs, Runner, rollback, Online, progress);

    /// <summary>Reads everything and changes nothing.</summary>
    public Task<PreflightResult> PreflightAsync(CancellationToken cancellationToken) =>
        new PreflightInspection(settings, databases, databases.Slug, options.Mode, options.Jobs).RunAsync(
            cancellationToken
        );

    /// <summary>Promotes, or resumes a promotion that was interrupted.</summary>
    public Task PromoteAsync(CancellationToken cancellationToken) =>
        AttemptAsync(
            "promote",
            async held =>
            {
                await HoldKeeper.RequirePossibleAsync(databases, options, held.Token);
                await ThrottleQuery.RequireAsync(databases, options.ThrottleQuery, held.Token);
                await Rehearsal.RequirePossibleAsync(held, options);
                await RequireHooksAsync(held);
                using var run = await PreparedAsync(held);
                await Rehearsal.NoteAsync(run, options, held.Token);
                var undoes = options is { Rehearses: true, Hold: null };
                try
                {
                    if (run.Record.Stage == PromotionStage.BeforeCutover)
                        await SchemaFollower.GuardAsync(run, watched => RunAsync(run, watched), held.Token);
                    else
                        await RunAsync(run, held.Token);
                }
                catch (MigratorException e)
                    when (undoes && Rehearsal.HasFailed(e) && !held.Token.IsCancellationRequested)
                {
                    await Rehearsal.EndAsync(() => UndoAsync(run, held.Token), databases.Slug, progress);
                    throw;
                }
                if (undoes)
                    await UndoAsync(run, held.Token);
            },
            cancellationToken
        );

    /// <summary>
    /// Moves the tenant back into the shared database: undoes the phases before the flip, or copies the changes
    /// back after it.
    /// </summary>
    /// <param name="dropIsolated">Drop the isolated database afterwards.</param>
    /// <param name="force">Replace the shared rows although they are not those of the flip.</param>
    public Task RollBackAsync(bool dropIsolated, bool force, CancellationToken cancellationToken) =>
        AttemptAsync(
            "rollback",
            async held =>
            {
                var record = await held.Journal.CurrentAsync(held.Tenant.Key, held.Token);
                if (record is null || (record.Stage == PromotionStage.RolledBack && !dropIsolated))
                    throw RollbackMessages.NothingToRollBack(databases.Slug);
                using var run = await Runs.OfAsync(held, record);
                await IsolatedDatabase.RequireOursAsync(run, held.Token);
                switch (record.Stage)
                {
                    case PromotionStage.BeforeCutover:
                        await UndoAsync(run, held.Token);
                        break;
                    case not PromotionStage.RolledBack:
                        await rollback.RunAsync(run, Runner, force, held.Token);
                        await run.EndAsync(PromotionState.Shared, HookEvent.RolledBack, held.Token);
                        break;
                }
                if (dropIsolated)
                    await IsolatedDatabase.DropAsync(run, held.Token);
            },
            cancellationToken
        );

    /// <summary>Deletes the tenant's rows from the shared database. Afterwards a rollback is a full copy.</summary>
    public Task FinalizeAsync(int batchSize, bool force, CancellationToken cancellationToken) =>
        AttemptAsync(
            "finalize",
            async held =>
            {
                var record = await held.Journal.CurrentAsync(held.Tenant.Key, held.Token);
                if (record?.Stage != PromotionStage.Isolated)
                    throw RollbackMessages.NotFlipped(databases.Slug);
                using var run = await Runs.OfAsync(held, record);
                await IsolatedDatabase.RequireOursAsync(run, held.Token);
                var verifies = record.IsOnline || record.HasRollbackWritten;
                await Runner.RunAsync(run, Finalization(verifies, batchSize, force), held.Token);
                await run.EndAsync(PromotionState.Finalized, HookEvent.Finalized, held.Token);
            },
            cancellationToken
        );

    /// <summary>Takes a finalized tenant out of the fence: the shared database accepts the tenant's rows again.</summary>
    public Task ForgetAsync(CancellationToken cancellationToken) =>
        AttemptAsync(
            "forget",
            async held =>
            {
                var record = await held.Journal.CurrentAsync(held.Tenant.Key, held.Token);
                if (record?.Stage != PromotionStage.Finalized)
                    throw RollbackMessages.NotFinalized(databases.Slug);
                await held.Journal.InstallAsync(held.Token);
                await (await Runs.GuardAsync(held)).RemoveAsync(held.Token);
            },
            cancellationToken
        );

    // Before a promotion begins: one that is under way is not to stop for a hook that has gone.
    async Task RequireHooksAsync(HeldTenant held)
    {
        if (await held.Journal.CurrentAsync(held.Tenant.Key, held.Token) is not { EndedAt: null })
            HookCall.RequireUsable(settings.Tenancy.Hooks);
    }

    Task RunAsync(PromotionRun run, CancellationToken cancellationToken) =>
        run.Record.IsOnline
            ? SlotWatch.GuardAsync(
                run.Stream,
                run.Options.MaxWal,
                watched => Runner.RunAsync(run, Online, watched),
                cancellationToken
            )
            : Runner.RunAsync(run, Fenced, cancellationToken);

    // Before the flip.
    async Task UndoAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await Runner.UndoAsync(run, run.Record.IsOnline ? Online : Fenced, cancellationToken);
        await run.EndAsync(PromotionState.Shared, HookEvent.RolledBack, cancellationToken);
    }

    async Task<PromotionRun> PreparedAsync(HeldTenant held)
    {
        while (true)
        {
            var run = await Runs.BeginOrResumeAsync(held);
            try
            {
                if (await PrepareAsync(run, held.Token))
                    return run;
            }
            catch
            {
                run.Dispose();
                throw;
            }
            run.Dispose();
        }
    }

    // Brings the leftovers of an earlier process into the state that the phases expect; false if the schema has changed,
    // which another run is to read.
    async Task<bool> PrepareAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        if (run.Record.Phase(PhaseName.Provision)?.EndedAt is not null)
        {
            await IsolatedDatabase.RequireOursAsync(run, cancellationToken);
            // In this order: claiming the isolated database waits for every session that locks its mark.
            await databases.EndLeftoverSessionsAsync(clock, cancellationToken);
            await run.Isolated.ClaimAsync(cancellationToken);
        }
        if (run.Record.Stage == PromotionStage.Isolated)
        {
            // The earlier run may have been killed between the flip and the routing file.
            await Flip.PublishAsync(run, cancellationToken);
            return true;
        }
        if (run.Record.Phase(PhaseName.InstallGuard)?.EndedAt is not null)
            await run.Guard.RestoreAsync(cancellationToken);
        var hasMoved = await SchemaFollower.FollowAsync(run, moved, cancellationToken);
        moved = null;
        if (hasMoved)
            return false;
        // The isolated database was unattended between runs: the process that cuts over must be the one that verified.
        await run.Journal.Phases.ForgetAsync(
            run.Id,
            [PhaseName.Verify, PhaseName.Rehearse, PhaseName.Hold],
            cancellationToken
        );
        if (run.Record.IsOnline)
            await Recovery.ResumeStreamAsync(run, cancellationToken);
        else
            await CloseGuard.ResumeAsync(run, cancellationToken);
        await Keeper.PrepareAsync(run, cancellationToken);
        return true;
    }

    // A retry is a resume: the same path as after a kill -9, which is why it is safe.
    async Task AttemptAsync(string verb, Func<HeldTenant, Task> attempt, CancellationToken cancellationToken)
    {
        await using var courier = new HookCourier(
            databases,
            settings.Tenancy.Hooks,
            progress,
            () => progress.IsPause,
            () => Runs.Begun is not null,
            clock
        );
        courier.StartIfNeeded();
        await using var notes = new ProgressNotes(databases, progress, () => Runs.Begun, settings.Tenancy.Hooks, clock);
        notes.Start();
        await using var governor = Governor;
        governor.Start();
        try
        {
            bool again;
            do again = await IsMovedAsync(attempt, cancellationToken);
            while (again);
        }
        catch (Exception e)
        {
            var record = await Recovery.SettleAsync(e, cancellationToken.IsCancellationRequested);
            if (cancellationToken.IsCancellationRequested && e is not MigratorException)
                throw (verb, record?.Stage ?? KnownStage) switch
                {
                    ("promote", PromotionStage.Isolated) => PromotionMessages.InterruptedAfterFlip(
                        databases.Slug,
                        (record ?? Runs.Latest)!.Target
                    ),
                    ("rollback", PromotionStage.FlippedBack) => RollbackMessages.InterruptedAfterFlip(databases.Slug),
                    ("promote" or "rollback", null) => PromotionMessages.InterruptedAtTheFlip(verb, databases.Slug),
                    _ => PromotionMessages.Interrupted(verb, databases.Slug),
                };
            throw;
        }
    }

    // What this process knows where the journal cannot be read; null if its last step may have been the flip.
    PromotionStage? KnownStage =>
        Runner.HasStarted(PhaseName.CleanUpAfterRollback) ? PromotionStage.FlippedBack
        : BehindTheFlip.Any(Runner.HasStarted) ? PromotionStage.Isolated
        : Runner.HasStarted(PhaseName.CutOver) || Runner.HasStarted(PhaseName.FlipBack) ? null
        : Runs.Latest?.Stage ?? PromotionStage.BeforeCutover;

    // Whether the shared schema has changed under the attempt: the next one follows it, or says why not.
    async Task<bool> IsMovedAsync(Func<HeldTenant, Task> attempt, CancellationToken cancellationToken)
    {
        try
        {
            await new Retry(progress, clock).RunAsync(
                async token =>
                {
                    await DirectSession.RequireAsync(databases.SharedServer, token);
                    await using var held = await Runs.HoldAsync(token);
                    await attempt(held);
                },
                cancellationToken
            );
            return false;
        }
        catch (SchemaMovedException e)
        {
            moved = e;
            return true;
        }
        catch (MigratorException e) when (Keeper.HoldsAgain(e, cancellationToken))
        {
            await Keeper.RestAsync(e, cancellationToken);
            return true;
        }
    }
}
