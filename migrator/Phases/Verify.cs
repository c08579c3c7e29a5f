using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Terminal;
using Migrator.Verification;

namespace Migrator.Phases;

/// <summary>Count and digest of every table on both sides. A difference is narrowed down to rows and stops the promotion.</summary>
public sealed class Verify : Phase
{
    const int SampleSize = 10;

    public const string PhaseName = "verify";

    public override string Name => PhaseName;
    public override string Title => "Verify every row";
    public override string State => PromotionState.Verifying;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        var comparison = new Comparison(run.Databases, run.Scope, run.Tenant);
        var results = await comparison.DigestsAsync(run.Options.Jobs, null, cancellationToken);
        await RequireEqualAsync(comparison, results, run.Tenant.Slug, cancellationToken);
        await run.Journal.SaveDigestsAsync(
            run.Id,
            results.ToDictionary(result => result.Table.Name, result => result.Isolated),
            cancellationToken
        );
        return new($"{results.Count} tables, {results.Sum(result => result.Isolated.Rows):N0} rows equal");
    }

    /// <exception cref="Failure"><see cref="ExitCode.Different"/>, with rows named by their keys.</exception>
    public static async Task RequireEqualAsync(
        Comparison comparison,
        IReadOnlyList<TableComparison> results,
        Slug slug,
        CancellationToken cancellationToken,
        bool flipped = false
    )
    {
        var differing = results.Where(result => !result.IsEqual).ToArray();
        if (differing.Length == 0)
            return;
        var rows = new List<RowDifference>();
        foreach (var result in differing)
            rows.AddRange(await comparison.RowsAsync(result.Table, SampleSize, cancellationToken));
        throw VerificationMessages.Different(
            slug,
            [.. differing.Select(result => (result.Table.Name, result.Shared.Rows, result.Isolated.Rows))],
            [.. rows.Select(row => row.ToString())],
            flipped
        );
    }
}
