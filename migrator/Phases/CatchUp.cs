using Migrator.Model;
using Migrator.Runs;
using Migrator.Schema;
using Migrator.Streaming;

namespace Migrator.Phases;

/// <summary>
/// Applies the changes since the slot was created. Each table was copied under its own snapshot. When the
/// stream has passed the last of these snapshots, the isolated database holds exactly the tenant's rows at one
/// position, and constraints between rows can be built.
/// </summary>
public sealed class CatchUp : Phase
{
    public override string Name => PhaseName.CatchUp;
    public override string Title => "Catch up with the changes";
    public override string State => PromotionState.CatchingUp;
    public override bool EndsByPause => true;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await run.Databases.EndLeftoverSessionsAsync(run.Clock, cancellationToken);
        await (await run.ArchiveAsync(cancellationToken)).RestoreAsync(
            [SchemaPart.PrimaryKeys],
            run.Databases,
            run.Options.Jobs,
            cancellationToken
        );
        await ConstraintDeferral.SuspendIdentitiesAsync(run.Stream, cancellationToken);
        var direction = StreamDirection.Forward(run.Stream);
        await ProvisionalKeys.CreateAsync(direction, cancellationToken);
        var changes = await new CatchUpLoop(direction).RunAsync(TargetState.Mixed, cancellationToken);
        await using var point = await ConsistentPoint.SyncAsync(direction, TargetState.Mixed, null, cancellationToken);
        return new($"{changes:N0} changes");
    }
}
