using Migrator.Cutover;
using Migrator.Model;
using Migrator.Runs;
using Migrator.Streaming;
using Migrator.Verification;

namespace Migrator.Phases;

/// <summary>
/// Compares count and digest of every table at one consistent point, while the tenant keeps working: the shared
/// side under a snapshot, the isolated side with exactly the changes that the snapshot sees.
/// </summary>
public sealed class VerifyOnline : Phase
{
    public override string Name => PhaseName.Verify;
    public override string Title => "Verify every row";
    public override string State => PromotionState.Verifying;
    public override bool EndsByPause => true;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await Withdrawal.RunAsync(run, cancellationToken);
        var direction = StreamDirection.Forward(run.Stream);
        await new CatchUpLoop(direction).RunAsync(TargetState.Consistent, cancellationToken);
        await using var point = await ConsistentPoint.SyncAsync(
            direction,
            TargetState.Consistent,
            null,
            cancellationToken
        );
        var at = new ComparedAt(Shared: point.Snapshot, LiveReferences: true);
        var comparison = new Comparison(run.Databases, run.Scope, run.Tenant, at);
        // Tables that are not in the stream are copied and compared while the guard is closed.
        var tables = run.Scope.CopiedTables.Where(table => table.IsStreamed || !table.IsTenantData);
        var results = await run.DigestsAsync(comparison, tables, cancellationToken);
        await comparison.RequireEqualAsync(results, run.Tenant.Slug, cancellationToken);
        await comparison.RequireEqualAsync(
            await comparison.OfEverybodyAsync(cancellationToken),
            run.Tenant.Slug,
            cancellationToken
        );
        await run.Journal.SaveDigestsAsync(
            run.Id,
            results.ToDictionary(result => result.Table.Name.ToString(), result => result.Recorded),
            cancellationToken
        );
        return new(
            $"{results.Count} tables, {results.Sum(result => result.Isolated.Rows):N0} rows equal at {point.Position}",
            Happened: HookEvent.Verified
        );
    }
}
