using Migrator.Runs;

namespace Migrator.Phases;

/// <summary>
/// One step of a promotion. Running a phase again after an interruption completes it. Undoing a phase, complete
/// or not, leaves nothing behind. A phase uses no other phase: facts that another phase needs are in the
/// journal.
/// </summary>
public abstract class Phase
{
    /// <summary>The name in the journal.</summary>
    public abstract string Name { get; }

    /// <summary>The title that the user sees while the phase runs.</summary>
    public abstract string Title { get; }

    /// <summary>The promotion's state while this phase runs.</summary>
    public abstract string State { get; }

    /// <summary>
    /// A pause from another terminal ends the phase at once, and the phase runs again when the run goes on. Other phases
    /// come to their end first.
    /// </summary>
    public virtual bool EndsByPause => false;

    /// <summary>Whether this promotion has the phase at all.</summary>
    public virtual Task<bool> IsDueAsync(PromotionRun run, CancellationToken cancellationToken) =>
        Task.FromResult(true);

    /// <summary>Does the work. The outcome's facts are recorded in the journal.</summary>
    public abstract Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken);

    /// <summary>Undoes the work; called before the flip only, in the reverse order of the phases.</summary>
    public virtual Task UndoAsync(PromotionRun run, CancellationToken cancellationToken) => Task.CompletedTask;
}

/// <param name="Summary">A few words for the user.</param>
/// <param name="Facts">Data that later phases, <c>status</c> or a later run need.</param>
/// <param name="Recorded">True when the phase has recorded its own end, in a transaction of its own.</param>
/// <param name="Stops">The phase stays under way, and the phases after it are left to another run.</param>
/// <param name="Happened">What hooks are told when the phase has ended; see <see cref="Model.HookEvent"/>.</param>
public sealed record PhaseOutcome(
    string? Summary = null,
    object? Facts = null,
    bool Recorded = false,
    bool Stops = false,
    string? Happened = null
);
