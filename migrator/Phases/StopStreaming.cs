using Migrator.Cutover;
using Migrator.Model;
using Migrator.Runs;
using Migrator.Streaming;

namespace Migrator.Phases;

/// <summary>After the flip nothing flows forward any more, and a slot that nobody reads would keep the shared server's log for ever.</summary>
public sealed class StopStreaming : Phase
{
    public override string Name => PhaseName.StopStreaming;
    public override string Title => "Stop the change stream";
    public override string State => PromotionState.Isolated;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        await ReplicationSlot.RemoveAsync(shared, StreamDirection.Forward(run).Name, cancellationToken);
        return new();
    }
}
