using Migrator.Cutover;
using Migrator.Runs;

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
