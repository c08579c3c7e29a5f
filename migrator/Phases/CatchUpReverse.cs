using Migrator.Model;
using Migrator.Runs;
using Migrator.Streaming;

namespace Migrator.Phases;

/// <summary>
/// The first step of a rollback by stream: applies the isolated database's changes since the flip to the shared
/// database, while the tenant keeps working.
/// </summary>
public sealed class CatchUpReverse : Phase
{
    public override string Name => PhaseName.CatchUpReverse;
    public override string Title => "Apply the changes to the shared database";
    public override string State => PromotionState.RollingBack;
    public override bool EndsByPause => true;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await run.IsolatedGuard.InstallAsync(cancellationToken);
        await run.Reconciler.RemoveReadingAsync(cancellationToken);
        await run.ReferenceRows.BringHomeAsync(cancellationToken);
        // The stream deletes rows that those of tables without a key referred to when the tenant moved.
        if (run.Common.UnstreamedTables.Where(table => !table.Reads.Any()).ToArray() is { Length: > 0 } unstreamed)
            await run.Reconciler.ApproachAsync(unstreamed, cancellationToken);
        var changes = await new CatchUpLoop(StreamDirection.Reverse(run.Stream)).RunAsync(
            TargetState.Consistent,
            cancellationToken
        );
        return new($"{changes:N0} changes");
    }
}
