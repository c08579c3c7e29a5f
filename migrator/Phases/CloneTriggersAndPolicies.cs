using Migrator.Model;
using Migrator.Runs;
using Migrator.Schema;
using Migrator.Streaming;

namespace Migrator.Phases;

/// <summary>
/// Triggers, policies and row security; triggers stay disabled until the flip. The pause is shorter because
/// this work is done before it.
/// </summary>
public sealed class CloneTriggersAndPolicies : Phase
{
    public override string Name => PhaseName.CloneTriggersAndPolicies;
    public override string Title => "Clone triggers and policies";
    public override string State => PromotionState.CatchingUp;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await (await run.ArchiveAsync(cancellationToken)).RestoreAsync(
            [SchemaPart.TriggersAndPolicies],
            run.Databases,
            1,
            cancellationToken
        );
        await ConstraintDeferral.SuspendAsync(run.Stream, cancellationToken);
        return new();
    }
}
