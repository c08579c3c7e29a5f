using Migrator.Copying;
using Migrator.Model;
using Migrator.Runs;
using Migrator.Verification;

namespace Migrator.Phases;

/// <summary>
/// Copies the isolated database's changes since the flip to the shared database, until the digests are equal.
/// </summary>
public sealed class ReconcileShared : Phase
{
    public override string Name => PhaseName.ReconcileShared;
    public override string Title => "Copy the changed rows back";
    public override string State => PromotionState.RollingBack;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        // The tenant may have written since the rollback looked; from here on the isolated database stands still.
        await using (var isolated = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken))
            await StrayRows.RequireNoneAsync(isolated, run.Common, run.Tenant, cancellationToken);
        await run.Reconciler.RemoveReadingAsync(cancellationToken);
        await run.ReferenceRows.BringHomeAsync(cancellationToken);
        var rows = await run.Reconciler.RunAsync(cancellationToken);
        await SequenceSetter.BringHomeAsync(run.Databases, run.Common, cancellationToken);
        return new($"{rows:N0} rows changed, both sides equal");
    }
}
