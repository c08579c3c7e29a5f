using Migrator.Messages;
using Migrator.Model;
using Migrator.Runs;
using Migrator.Streaming;
using Migrator.Verification;

namespace Migrator.Phases;

/// <summary>
/// Compares every row at one consistent point, the isolated side under a snapshot, while the tenant keeps
/// working.
/// </summary>
public sealed class VerifyReverse : Phase
{
    public override string Name => PhaseName.VerifyReverse;
    public override string Title => "Verify every row";
    public override string State => PromotionState.RollingBack;
    public override bool EndsByPause => true;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        var direction = StreamDirection.Reverse(run.Stream);
        await new CatchUpLoop(direction).RunAsync(TargetState.Consistent, cancellationToken);
        await using var point = await ConsistentPoint.SyncAsync(
            direction,
            TargetState.Consistent,
            null,
            cancellationToken
        );
        var comparison = new Comparison(run.Databases, run.Common, run.Tenant, new(Isolated: point.Snapshot));
        var results = await run.DigestsAsync(
            comparison,
            run.Common.TenantTables.Where(table => table.IsStreamed),
            cancellationToken
        );
        if (results.FirstOrDefault(result => !result.IsEqual) is { } other)
            throw StreamMessages.StreamDiverged(run.Tenant.Slug, $"{other.Table.Name} differs.");
        return new($"{results.Sum(result => result.Shared.Rows):N0} rows equal at {point.Position}");
    }
}
