using Migrator.Model;
using Migrator.Runs;
using Migrator.Verification;

namespace Migrator.Phases;

/// <summary>
/// Compares count and digest of every table on both sides. A difference is narrowed down to rows and stops the
/// promotion.
/// </summary>
public sealed class Verify : Phase
{
    public override string Name => PhaseName.Verify;
    public override string Title => "Verify every row";
    public override string State => PromotionState.Verifying;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        var comparison = new Comparison(run.Databases, run.Scope, run.Tenant);
        var results = await run.DigestsAsync(comparison, run.Scope.CopiedTables, cancellationToken);
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
            $"{results.Count} tables, {results.Sum(result => result.Isolated.Rows):N0} rows equal",
            Happened: HookEvent.Verified
        );
    }
}
