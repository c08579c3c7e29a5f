using Migrator.Connections;
using Migrator.Copying;
using Migrator.Cutover;
using Migrator.Journal;
using Migrator.Model;
using Migrator.Runs;
using Migrator.Streaming;

namespace Migrator.Phases;

/// <summary>
/// The pause of the cutover, again and again, with everything but the flip: the guard closes as it would then, the last
/// changes arrive and are compared, what the isolated database would record is rolled back, and the guard opens. The
/// tenant's writes wait as long, and none of them is refused.
/// </summary>
public sealed class Rehearse : Phase
{
    const int Pauses = 20;

    // The tenant's writes are to have some time of their own.
    static readonly TimeSpan Breath = TimeSpan.FromSeconds(1);

    public override string Name => PhaseName.Rehearse;
    public override string Title => "Rehearse the pause";
    public override string State => PromotionState.Verifying;

    public override Task<bool> IsDueAsync(PromotionRun run, CancellationToken cancellationToken) =>
        Task.FromResult(run.Options.Rehearses);

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await Flip.RequireSameDumpAsync(run, cancellationToken);
        var plan = new Plan(
            await Flip.IsolationAsync(run, cancellationToken),
            await Flip.RolesAsync(run, cancellationToken),
            await SequenceSetter.HighestAsync(run.Databases, run.Scope, cancellationToken)
        );
        var pauses = new List<RehearsedPause>();
        long held = 0;
        while (pauses.Count < Pauses)
        {
            await run.Governor.WaitAsync(cancellationToken);
            var pause = await CutoverLoop.TryAsync(
                run,
                run.Guard,
                () =>
                    CutoverLoop.ForwardAsync(
                        run,
                        (feed, keyless) => PauseAsync(run, plan, feed, keyless, cancellationToken),
                        cancellationToken
                    ),
                cancellationToken
            );
            // They have been compared while nobody could write them.
            run.Touched.Clear();
            pauses.Add(pause);
            run.Progress.Reached("", ProgressUnit.Pauses, pauses.Count, Pauses);
            held = Math.Max(held, await HeldAsync(run, cancellationToken));
            await Task.Delay(Breath, run.Clock, cancellationToken);
        }
        var facts = await FactsAsync(run, pauses, held, cancellationToken);
        // Of the phases before, an undo leaves nothing but this one's facts.
        await run.Journal.Phases.NoteAsync(
            run.Id,
            PhaseName.Preflight,
            new RehearsedFacts(facts, IsRehearsal: run.Options.Hold is null),
            cancellationToken
        );
        var summary = $"{pauses.Count} pauses, {facts.MedianMs:N0} ms as a rule, {facts.LongestMs:N0} ms at most";
        return new(summary, Stops: run.Options.Hold is null);
    }

    static async Task<RehearsedPause> PauseAsync(
        PromotionRun run,
        Plan plan,
        ChangeFeed feed,
        KeylessRows keyless,
        CancellationToken cancellationToken
    )
    {
        var parts = new PauseParts(run.Clock);
        var last = new LastChanges(run, feed, keyless, plan.Highest, parts);
        var whole = await Pause.RunAsync(
            run,
            run.Guarded,
            parts,
            async token =>
            {
                await last.BringAsync(token);
                await parts.MeasureAsync(
                    PauseParts.Mark,
                    () => Flip.RehearseIsolatedAsync(run, plan.Isolation, plan.Roles, token)
                );
                return true;
            },
            async (closed, limit, ready) =>
            {
                // A commit in the shared database, as the flip is one.
                await parts.MeasureAsync(
                    PauseParts.Flip,
                    () => run.Journal.Phases.NoteAsync(run.Id, PhaseName.Rehearse, new { }, cancellationToken)
                );
                return await closed.ElapsedAsync(cancellationToken);
            },
            cancellationToken
        );
        run.Progress.Paused(whole, parts.Milliseconds);
        return new(Math.Round(whole, 1), parts.Milliseconds);
    }

    static async Task<long> HeldAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        var slot = await SlotStatus.ReadAsync(shared, StreamDirection.Forward(run.Stream).Name, cancellationToken);
        return slot?.WalHeldBytes ?? 0;
    }

    static async Task<RehearsalFacts> FactsAsync(
        PromotionRun run,
        IReadOnlyList<RehearsedPause> pauses,
        long held,
        CancellationToken cancellationToken
    )
    {
        await using var isolated = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken);
        const string size = "SELECT pg_database_size(current_database())";
        var record = await run.RecordAsync(cancellationToken);
        var copied = PhaseData.Read<CopyFacts>(record.Phase(PhaseName.CopyData)!.Facts)!;
        return new(
            run.Clock.GetUtcNow().UtcDateTime,
            pauses,
            [
                .. record
                    .Phases.Where(phase => phase.EndedAt is not null)
                    .Select(phase => new RehearsedPhase(
                        phase.Name,
                        Math.Round((phase.EndedAt!.Value - phase.StartedAt).TotalSeconds, 2)
                    )),
            ],
            copied.Rows,
            copied.Bytes,
            await isolated.ExecuteScalarAsync<long>(size, cancellationToken),
            held
        );
    }

    sealed record Plan(
        System.Text.Json.Nodes.JsonObject Isolation,
        IReadOnlyList<string> Roles,
        IReadOnlyDictionary<TableName, long> Highest
    );
}
