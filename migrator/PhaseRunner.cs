using Migrator.Journal;
using Migrator.Messages;
using Migrator.Phases;
using Migrator.Progress;
using Migrator.Runs;

namespace Migrator;

/// <summary>
/// Runs or undoes a list of phases: skips phases that the journal records as done, and records each result.
/// </summary>
sealed class PhaseRunner(IPromotionProgress progress, TimeProvider clock)
{
    readonly List<string> started = [];

    /// <summary>Whether this process has begun the phase.</summary>
    public bool HasStarted(string phase) => Started(phase) > 0;

    /// <summary>How often this process has begun the phase.</summary>
    public int Started(string phase) => started.Count(name => name == phase);

    public async Task RunAsync(PromotionRun run, IReadOnlyList<Phase> phases, CancellationToken cancellationToken)
    {
        foreach (var phase in phases)
        {
            if ((await run.RecordAsync(cancellationToken)).Phase(phase.Name)?.EndedAt is not null)
            {
                progress.PhaseKept(phase.Name, phase.Title);
                continue;
            }
            if (!await phase.IsDueAsync(run, cancellationToken))
                continue;
            // While this process keeps a guard closed the tenant's writes wait for it.
            if (run.Closed is null)
                await run.Governor.ResumedAsync(cancellationToken);
            await run.Journal.Phases.StartAsync(run.Id, phase.Name, phase.State, cancellationToken);
            started.Add(phase.Name);
            progress.PhaseStarted(phase.Name, phase.Title);
            var began = clock.GetTimestamp();
            var outcome = await WhileClosedAsync(run, token => RunAsync(run, phase, token), cancellationToken);
            if (!outcome.Recorded && !outcome.Stops)
                await EndAsync(run, phase, outcome, cancellationToken);
            progress.PhaseEnded(phase.Name, phase.Title, clock.GetElapsedTime(began), outcome.Summary);
            if (outcome.Stops)
                return;
        }
    }

    static Task EndAsync(PromotionRun run, Phase phase, PhaseOutcome outcome, CancellationToken cancellationToken) =>
        run.Journal.TransactAsync(
            async transaction =>
            {
                await PhaseJournal.EndAsync(transaction, run.Id, phase.Name, outcome.Facts);
                if (outcome.Happened is { } happened)
                    await run.HappenedAsync(transaction, happened);
            },
            cancellationToken
        );

    static Task<PhaseOutcome> RunAsync(PromotionRun run, Phase phase, CancellationToken cancellationToken) =>
        phase.EndsByPause && run.Closed is null
            ? run.Governor.RepeatAsync(token => phase.RunAsync(run, token), cancellationToken)
            : phase.RunAsync(run, cancellationToken);

    // A phase that relies on a closed guard ends when its server has opened the guard.
    static async Task<PhaseOutcome> WhileClosedAsync(
        PromotionRun run,
        Func<CancellationToken, Task<PhaseOutcome>> phase,
        CancellationToken cancellationToken
    )
    {
        if (run.Closed is not { } closed)
            return await phase(cancellationToken);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(closed.Lost, cancellationToken);
        try
        {
            return await phase(both.Token);
        }
        catch when (!cancellationToken.IsCancellationRequested)
        {
            if (await closed.StandsAsync())
                throw;
            throw GuardMessages.OpenedMeanwhile(run.Tenant.Slug);
        }
    }

    /// <summary>Undoes the phases that have begun, the last one first.</summary>
    public async Task UndoAsync(PromotionRun run, IReadOnlyList<Phase> phases, CancellationToken cancellationToken)
    {
        foreach (var phase in phases.Reverse())
        {
            if ((await run.RecordAsync(cancellationToken)).Phase(phase.Name) is null)
                continue;
            progress.PhaseStarted(phase.Name, $"Undo: {phase.Title}");
            var began = clock.GetTimestamp();
            // The phase counts as not done from the first step of its undo on: after a kill here, the next
            // promotion must not build on a half undone phase.
            await run.Journal.Phases.ReopenAsync(run.Id, phase.Name, cancellationToken);
            await phase.UndoAsync(run, cancellationToken);
            await run.Journal.Phases.ForgetAsync(run.Id, [phase.Name], cancellationToken);
            progress.PhaseEnded(phase.Name, $"Undo: {phase.Title}", clock.GetElapsedTime(began), null);
        }
    }
}
