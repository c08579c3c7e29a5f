using Migrator.Model;
using Migrator.Runs;
using Migrator.Streaming;

namespace Migrator.Phases;

/// <summary>
/// Removes the forward stream after the flip. A slot without a reader would keep the shared server's WAL for
/// ever.
/// </summary>
public sealed class StopStreaming : Phase
{
    public override string Name => PhaseName.StopStreaming;
    public override string Title => "Stop the change stream";
    public override string State => PromotionState.Isolated;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await StreamDirection.Forward(run.Stream).RemoveAsync(cancellationToken);
        return new();
    }
}
