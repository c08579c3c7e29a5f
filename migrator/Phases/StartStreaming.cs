using Migrator.Journal;
using Migrator.Model;
using Migrator.Streaming;

namespace Migrator.Phases;

/// <summary>
/// Publication, then slot, then (in later phases) the copy: the slot precedes every table's snapshot, so that a change that a snapshot missed is
/// in the stream. The guard is there already; it tells the stream of rows that change tenant.
/// </summary>
public sealed class StartStreaming : Phase
{
    public const string PhaseName = "start-streaming";

    public override string Name => PhaseName;
    public override string Title => "Start the change stream";
    public override string State => PromotionState.Preparing;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        var direction = StreamDirection.Forward(run);
        await using (var isolated = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken))
        {
            await StreamPosition.ForgetAsync(isolated, cancellationToken);
            await ConstraintDeferral.ForgetAsync(isolated, cancellationToken);
        }
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        await ReplicationSlot.PublishAsync(shared, direction.Name, direction.Tables, cancellationToken);
        await ReplicationSlot.CreateAsync(shared, direction.Name, cancellationToken);
        return new($"slot {direction.Name}, {direction.Tables.Count} tables");
    }

    public override async Task UndoAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        await ReplicationSlot.RemoveAsync(shared, StreamDirection.Forward(run).Name, cancellationToken);
    }
}

/// <summary>After the flip nothing flows forward any more, and a slot that nobody reads would keep the shared server's log for ever.</summary>
public sealed class StopStreaming : Phase
{
    public override string Name => "stop-streaming";
    public override string Title => "Stop the change stream";
    public override string State => PromotionState.Isolated;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await new StartStreaming().UndoAsync(run, cancellationToken);
        return new();
    }
}
