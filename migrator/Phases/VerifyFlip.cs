using Migrator.Cutover;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Runs;
using Migrator.Terminal;
using Migrator.Verification;

namespace Migrator.Phases;

/// <summary>
/// Compares every row again as of the flip: the shared side does not change behind its guard, and the isolated
/// side is read under a snapshot that was taken between the last change and the flip. Records which rows
/// finalize may delete. A difference stops promote and finalize until a person has resolved it.
/// </summary>
/// <param name="force">A person has resolved the difference.</param>
public sealed class VerifyFlip(bool force = false) : Phase
{
    public override string Name => PhaseName.VerifyFlip;
    public override string Title => "Verify the flipped rows";
    public override string State => PromotionState.Isolated;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        var record = await run.RecordAsync(cancellationToken);
        if (!force && PhaseData.Read<VerifyFlipFacts>(record.Phase(Name)!.Facts) is { } noted)
            throw VerificationMessages.DifferedAtFlip(run.Tenant.Slug, noted.Differing);
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        var digests = (await PromotionJournal.DigestsAsync(shared, run.Id, cancellationToken)).ToDictionary();
        var facts = PhaseData.Read<CutoverFacts>(record.Phase(PhaseName.CutOver)!.Facts)!;
        var tables = run.Scope.TenantTables.ToArray();
        string summary;
        if (run.AsFlipped is not null)
        {
            var comparison = new Comparison(run.Databases, run.Scope, run.Tenant, new(Isolated: facts.Snapshot));
            var results = await comparison.DigestsAsync(tables, run.Options.Jobs, cancellationToken);
            if (
                results.Where(result => !result.IsEqual).Select(result => result.Table.Name.ToString()).ToArray() is
                { Length: > 0 } differing
            )
                await run.Journal.NoteAsync(run.Id, Name, new VerifyFlipFacts(differing), cancellationToken);
            await comparison.RequireEqualAsync(results, run.Tenant.Slug, cancellationToken, flipped: true);
            foreach (var result in results)
                digests[result.Table.Name.ToString()] = result.Shared;
            summary = $"{results.Sum(result => result.Shared.Rows):N0} rows equal at the flip";
            run.AsFlipped = null;
        }
        else
        {
            // The process that flipped has ended, and its snapshot with it. The shared side still has not changed.
            var comparison = new Comparison(run.Databases, run.Scope, run.Tenant);
            foreach (var table in tables)
                digests[table.Name.ToString()] = await comparison.SharedDigestAsync(table, cancellationToken);
            summary = "recorded";
        }
        await run.Journal.SaveDigestsAsync(
            run.Id,
            digests.ToDictionary(pair => Model.TableName.Parse(pair.Key), pair => pair.Value),
            cancellationToken
        );
        return new(summary);
    }
}
