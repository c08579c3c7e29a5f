using Migrator.Cutover;
using Migrator.Model;
using Migrator.Runs;

namespace Migrator.Phases;

/// <summary>
/// Compares count and digest of every table, in ranges of keys at consistent points, while the tenant keeps working: the
/// shared side under a snapshot, the isolated side with exactly the changes that the snapshot sees.
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
        // Tables that are not in the stream are copied and compared while the guard is closed.
        var tables = run.Scope.CopiedTables.Where(table => table.IsStreamed || !table.IsTenantData).ToArray();
        var (results, position) = await new RangedVerification(run, tables).RunAsync(cancellationToken);
        await run.Journal.SaveDigestsAsync(
            run.Id,
            results.ToDictionary(result => result.Table.Name.ToString(), result => result.Recorded),
            cancellationToken
        );
        return new(
            $"{results.Count} tables, {results.Sum(result => result.Isolated.Rows):N0} rows equal at {position}",
            Happened: HookEvent.Verified
        );
    }
}
