using Migrator.Connections;
using Migrator.Cutover;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Progress;
using Migrator.Runs;

namespace Migrator;

/// <summary>
/// Keeps a promotion holding over failures: an attempt at the cutover that does not succeed, and a server that is away
/// for a while, lead back to the hold. A request to cut over is good for one attempt.
/// </summary>
sealed class HoldKeeper(PhaseRunner runner, PromotionOptions options, IPromotionProgress progress, TimeProvider clock)
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    bool isPrepared;
    string? failure;
    (int Holds, int Cutovers) before;

    /// <summary>Nobody watches the slot of a promotion that holds without a process.</summary>
    public static async Task RequirePossibleAsync(
        Databases databases,
        PromotionOptions options,
        CancellationToken cancellationToken
    )
    {
        if (options.Hold is not { Detach: true })
            return;
        await using var shared = await databases.Shared.OpenConnectionAsync(cancellationToken);
        if (await shared.ExecuteScalarAsync<string>("SHOW max_slot_wal_keep_size", cancellationToken) == "-1")
            throw HoldMessages.SlotUnbounded(databases.Slug, options.Rehearses ? "--keep" : "--detach");
    }

    /// <summary>
    /// Before the phases: notes what was asked for, and takes back what an earlier attempt did not finish.
    /// </summary>
    public async Task PrepareAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        if (options.Hold is not null && !run.Record.IsOnline)
            throw MigratorException.Usage(HoldMessages.NeedsOnline);
        await run.Journal.TransactAsync(
            transaction => PrepareAsync(transaction, run, cancellationToken),
            cancellationToken
        );
        isPrepared = true;
        failure = null;
    }

    /// <summary>Whether the process goes on holding after this failure.</summary>
    public bool HoldsAgain(MigratorException e, CancellationToken cancellationToken)
    {
        var now = (Holds: runner.Started(PhaseName.Hold), Cutovers: runner.Started(PhaseName.CutOver));
        if (
            now.Holds == 0
            || cancellationToken.IsCancellationRequested
            || options is { LetGoBy: not null } or { Hold.Detach: true }
            || e is StreamLostException or { IsFinal: true } or not { Code: ExitCode.Failed }
            // What fails before the promotion holds again is no failure of the cutover.
            || (!e.Transient && now.Holds == before.Holds)
        )
            return false;
        failure = now.Cutovers > before.Cutovers ? e.Message : null;
        before = now;
        return true;
    }

    /// <summary>Tells why, and gives a server that is away some time.</summary>
    public Task RestAsync(MigratorException e, CancellationToken cancellationToken)
    {
        progress.Warn(HoldMessages.HoldsAgain(e.Message));
        return e.Transient ? Task.Delay(Patience, clock, cancellationToken) : Task.CompletedTask;
    }

    /// <summary>The process ends before the flip: the promotion holds without it, if it held before.</summary>
    /// <param name="error">Why the process ends.</param>
    public static Task SettleAsync(PromotionRun run, string error, CancellationToken cancellationToken) =>
        run.Journal.TransactAsync(
            async transaction =>
            {
                if (
                    await HoldJournal.FindAsync(transaction.Connection, run.Id, cancellationToken)
                    is not { Since: not null } hold
                )
                    return;
                var isAttempt = run.Record.Phase(PhaseName.CutOver) is not null;
                if (isAttempt || hold.GoAt is not null)
                    await HoldJournal.HoldAgainAsync(
                        transaction,
                        run.Id,
                        error,
                        run.Clock.GetUtcNow() + HoldPolicy.Rest
                    );
                await PromotionJournal.SetStateAsync(transaction, run.Id, PromotionState.Holding);
                await PromotionJournal.SetErrorAsync(transaction, run.Id, error);
            },
            cancellationToken
        );

    async Task PrepareAsync(JournalTransaction transaction, PromotionRun run, CancellationToken cancellationToken)
    {
        if (options.Hold is { } asked && !isPrepared)
            await HoldJournal.PlanAsync(transaction, run.Id, asked);
        if (await HoldJournal.FindAsync(transaction.Connection, run.Id, cancellationToken) is not { } hold)
            return;
        if (options.LetGoBy is { } by)
        {
            if (!isPrepared)
                await HoldJournal.LetGoAsync(transaction.Connection, run.Id, by, cancellationToken);
            return;
        }
        var isAttempt = run.Record.Phase(PhaseName.CutOver) is not null;
        if (isAttempt || (hold.GoAt is not null && !isPrepared))
            await HoldJournal.HoldAgainAsync(
                transaction,
                run.Id,
                failure ?? HoldMessages.Interrupted,
                run.Clock.GetUtcNow() + HoldPolicy.Rest
            );
    }
}
