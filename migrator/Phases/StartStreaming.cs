using Migrator.Model;
using Migrator.Runs;
using Migrator.Streaming;

namespace Migrator.Phases;

/// <summary>
/// Publication, then slot, then (in later phases) the copy. The slot is older than every table's snapshot, so
/// the stream contains every change that a snapshot missed. The guard exists already, and tells the stream
/// about rows that change tenant.
/// </summary>
public sealed class StartStreaming : Phase
{
    public override string Name => PhaseName.StartStreaming;
    public override string Title => "Start the change stream";
    public override string State => PromotionState.Preparing;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        var direction = StreamDirection.Forward(run.Stream);
        await using (var isolated = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken))
        {
            await StreamPosition.ForgetAsync(isolated, cancellationToken);
            await ConstraintDeferral.ForgetAsync(isolated, cancellationToken);
        }
        await direction.CreateAsync(cancellationToken);
        return new($"slot {direction.Name}, {direction.Tables.Count} tables");
    }

    public override Task UndoAsync(PromotionRun run, CancellationToken cancellationToken) =>
        StreamDirection.Forward(run.Stream).RemoveAsync(cancellationToken);
}
