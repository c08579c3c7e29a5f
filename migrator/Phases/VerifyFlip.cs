using Migrator.Journal;
using Migrator.Verification;

namespace Migrator.Phases;

/// <summary>
/// Every row once more, at the flip itself: the shared side stands still behind its guard, the isolated side is read under a snapshot that was
/// taken between the last change and the flip. What finalize may delete is recorded here.
/// </summary>
public sealed class VerifyFlip : Phase
{
    public const string PhaseName = "verify-flip";

    public override string Name => PhaseName;
    public override string Title => "Verify what was flipped";
    public override string State => PromotionState.Isolated;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancel)
    {
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancel);
        var digests = (await PromotionJournal.DigestsAsync(shared, run.Id, cancel)).ToDictionary();
        var facts = Journaled.Read<CutOverOnline.Facts>((await run.RecordAsync(cancel)).Phase(CutOver.PhaseName)!.Facts)!;
        var tables = run.Scope.TenantTables.ToArray();
        string summary;
        if (run.AsFlipped is not null)
        {
            var comparison = new Comparison(run.Databases, run.Scope, run.Tenant, new(Isolated: facts.Snapshot));
            var results = await comparison.DigestsAsync(tables, run.Options.Jobs, null, cancel);
            await Verify.RequireEqualAsync(comparison, results, run.Tenant.Slug, cancel);
            foreach (var result in results) digests[result.Table.Name.ToString()] = result.Shared;
            summary = $"{results.Sum(result => result.Shared.Rows):N0} rows equal at the flip";
            run.AsFlipped = null;
        }
        else
        {
            // The process that flipped is gone, and its snapshot with it. The shared side still stands still.
            var comparison = new Comparison(run.Databases, run.Scope, run.Tenant);
            foreach (var table in tables) digests[table.Name.ToString()] = await comparison.SharedDigestAsync(table, cancel);
            summary = "recorded";
        }
        await run.Journal.SaveDigestsAsync(run.Id, digests.ToDictionary(pair => Model.TableName.Parse(pair.Key), pair => pair.Value), cancel);
        return new(summary);
    }
}
