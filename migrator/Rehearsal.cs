using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Progress;
using Migrator.Runs;
using Npgsql;

namespace Migrator;

/// <summary>
/// Which promotions a rehearsal may undo: those that a rehearsal has begun. A promotion that somebody means goes on.
/// </summary>
static class Rehearsal
{
    /// <exception cref="MigratorException">A promotion is under way, or the tenant has moved: nothing was changed.</exception>
    public static async Task RequirePossibleAsync(HeldTenant held, PromotionOptions options)
    {
        if (!options.Rehearses)
            return;
        var record = await held.Journal.CurrentAsync(held.Tenant.Key, held.Token);
        if (record is { EndedAt: null } && !IsRehearsal(record))
            throw RehearsalMessages.UnderWay(held.Tenant.Slug, record.State);
    }

    /// <summary>A rehearsal may undo the promotion, or, once somebody promotes, no longer.</summary>
    public static async Task NoteAsync(PromotionRun run, PromotionOptions options, CancellationToken cancellationToken)
    {
        var isRehearsal = options is { Rehearses: true, Hold: null };
        if (isRehearsal != IsRehearsal(run.Record))
            await run.Journal.Phases.NoteAsync(
                run.Id,
                PhaseName.Preflight,
                new { IsRehearsal = isRehearsal },
                cancellationToken
            );
    }

    /// <summary>Whether the rehearsal ends by this failure: no next attempt, and no change of the schema to follow.</summary>
    public static bool HasFailed(MigratorException e) => e is { Transient: false } and not SchemaMovedException;

    /// <summary>Undoes a rehearsal that has failed; what it has found is said in any case.</summary>
    public static async Task EndAsync(Func<Task> undo, Slug slug, IPromotionProgress progress)
    {
        try
        {
            await undo();
            progress.Warn(RehearsalMessages.Undone);
        }
        catch (Exception e) when (e is MigratorException or NpgsqlException)
        {
            progress.Warn(RehearsalMessages.NotUndone(slug, e.Message));
        }
    }

    static bool IsRehearsal(PromotionRecord record) =>
        record.Phase(PhaseName.Preflight) is { } phase
        && PhaseData.Read<RehearsedFacts>(phase.Facts) is { IsRehearsal: true };
}
