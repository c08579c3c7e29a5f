using Migrator.Guarding;
using Migrator.Model;
using Migrator.Runs;

namespace Migrator.Phases;

/// <summary>Installs the write guard in the shared database, open: writes pass, and the guard sees them.</summary>
public sealed class InstallGuard : Phase
{
    public override string Name => PhaseName.InstallGuard;
    public override string Title => "Install the write guard";
    public override string State => PromotionState.Preparing;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await run.Guard.InstallAsync(GuardState.Open, cancellationToken);
        return new($"on {run.Scope.TenantTables.Count()} tables");
    }

    public override Task UndoAsync(PromotionRun run, CancellationToken cancellationToken) =>
        run.Guard.RemoveAsync(cancellationToken);
}
