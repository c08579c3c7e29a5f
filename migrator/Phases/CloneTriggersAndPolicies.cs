using Migrator.Cutover;
using Migrator.Journal;
using Migrator.Model;
using Migrator.Runs;
using Migrator.Schema;
using Migrator.Streaming;

namespace Migrator.Phases;

/// <summary>Triggers, policies and row security, the triggers asleep until the flip: nothing of this is left to do while the tenant waits.</summary>
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
        await ConstraintDeferral.SuspendAsync(run, cancellationToken);
        return new();
    }
}
