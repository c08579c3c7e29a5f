using Migrator.Cutover;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Phases;
using Migrator.Progress;
using Migrator.Runs;
using Migrator.Streaming;
using Npgsql;

namespace Migrator;

/// <summary>
/// Puts the tenant into a state where it can work: after a failure or Ctrl-C, and at the start of a run that
/// follows a killed run.
/// </summary>
sealed class Recovery(
    RunFactory runs,
    PhaseRunner runner,
    Rollback rollback,
    Phase[] online,
    IPromotionProgress progress
)
{
    static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Before the flip, the tenant's writes resume where they are. The journal forgets the copy that relied on
    /// the closed guard.
    /// </summary>
    /// <param name="isInterrupted">Somebody has ended the command, which is no failure.</param>
    /// <returns>The promotion as it stands; null if there is none, or if the journal cannot be read.</returns>
    public async Task<PromotionRecord?> SettleAsync(Exception cause, bool isInterrupted)
    {
        if (cause is MigratorException { Code: ExitCode.Usage or ExitCode.Refused or ExitCode.Busy })
            return null;
        using var timeout = new CancellationTokenSource(Timeout);
        try
        {
            await using var held = await runs.HoldAsync(timeout.Token);
            return await SettleAsync(held, cause, isInterrupted);
        }
        catch (MigratorException superseded) when (superseded.Code == ExitCode.Busy)
        {
            // The run that holds the tenant now is responsible for its guard.
            return null;
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
            if (MayBeClosed)
                progress.Warn(GuardMessages.GuardLeftClosed(runs.Slug));
            return null;
        }
    }

    async Task<PromotionRecord?> SettleAsync(HeldTenant held, Exception cause, bool isInterrupted)
    {
        if (await held.Journal.CurrentAsync(held.Tenant.Key, held.Token) is not { EndedAt: null } record)
            return null;
        var error = cause switch
        {
            MigratorException failure => failure.Message,
            _ when isInterrupted => "interrupted",
            _ => $"{cause.GetType().Name}: {cause.Message}",
        };
        await held.Journal.ErrorAsync(record.Id, error, held.Token);
        using var run = await runs.OfAsync(held, record);
        switch (record.Stage)
        {
            case PromotionStage.RollingBack:
                await rollback.GiveUpAsync(run, held.Token);
                break;
            case PromotionStage.BeforeCutover:
                await OpenGuardAsync(run, held.Token);
                await HoldKeeper.SettleAsync(run, error, held.Token);
                if (cause is StreamLostException)
                    await GiveUpStreamAsync(run, held.Token);
                break;
        }
        if (!isInterrupted)
            await held.Journal.TransactAsync(
                transaction => run.HappenedAsync(transaction, HookEvent.Failed, error),
                held.Token
            );
        return record;
    }

    // A tenant on its way home leaves by a commit. Whatever else closes a guard ends with this process.
    bool MayBeClosed => runs.Latest is { State: PromotionState.RollingBack } || runner.HasStarted(PhaseName.FlipBack);

    /// <summary>Begins behind an open guard, whatever a killed run has left. Creates a lost slot again.</summary>
    public async Task ResumeStreamAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        if (run.Record.Phase(PhaseName.CutOver) is not null)
            await GuardOpening.OnlineAsync(run, cancellationToken);
        if (run.Record.Phase(PhaseName.StartStreaming)?.EndedAt is null)
            return;
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        if (await ReplicationSlot.ExistsAsync(shared, StreamDirection.Forward(run.Stream).Name, cancellationToken))
            return;
        progress.Warn(StreamMessages.CopiesAgain(run.Tenant.Slug));
        await GiveUpStreamAsync(run, cancellationToken);
    }

    async Task OpenGuardAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        if (run.Record.Phase(PhaseName.CloseGuard) is not null)
            await GuardOpening.FencedAsync(run, cancellationToken);
        else if (run.Record.IsOnline && run.Record.Phase(PhaseName.CutOver) is not null)
            await GuardOpening.OnlineAsync(run, cancellationToken);
        else
            return;
        progress.Info(GuardMessages.GuardOpened(run.Tenant.Slug));
    }

    // The copy is useless without the changes since then.
    async Task GiveUpStreamAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        // The reverse stream too: its publication depends on the tables.
        await StreamDirection.RemoveAllAsync(run.Stream, cancellationToken);
        var worthless = online.Select(phase => phase.Name).SkipWhile(name => name != PhaseName.StartStreaming);
        await run.Journal.Phases.ForgetAsync(run.Id, [.. worthless], cancellationToken);
        await run.Journal.TransactAsync(
            transaction => HoldJournal.RestartAsync(transaction, run.Id),
            cancellationToken
        );
    }
}
