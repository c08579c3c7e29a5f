using Migrator.Cutover;
using Migrator.Model;
using Migrator.Runs;

namespace Migrator.Phases;

/// <summary>
/// Lets the shared database take the tenant's writes again.
/// </summary>
public sealed class FlipBack : Phase
{
    public override string Name => PhaseName.FlipBack;
    public override string Title => "Flip back to the shared database";
    public override string State => PromotionState.RollingBack;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await Flip.HomeAsync(run, run.Closed!, run.Options.MaxPause);
        return new("the shared database takes the tenant's writes again", Recorded: true);
    }
}
