using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Runs;
using Migrator.Scope;
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
    public override bool EndsByPause => true;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        var record = await run.RecordAsync(cancellationToken);
        if (!force && PhaseData.Read<VerifyFlipFacts>(record.Phase(Name)!.Facts) is { } noted)
            throw VerificationMessages.DifferedAtFlip(run.Tenant.Slug, noted.Differing);
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        var digests = (await JournalReader.RecordedAsync(shared, run.Id, cancellationToken)).ToDictionary();
        var facts = PhaseData.Read<CutoverFacts>(record.Phase(PhaseName.CutOver)!.Facts)!;
        var tables = run.Scope.TenantTables.ToArray();
        var summary = run.AsFlipped is not null
            ? await VerifyUnderSnapshotAsync(run, tables, facts.Snapshot, digests, cancellationToken)
            : await VerifyWithoutSnapshotAsync(run, tables, digests, cancellationToken);
        await run.Journal.SaveDigestsAsync(run.Id, digests, cancellationToken);
        return new(summary);
    }

    async Task<string> VerifyUnderSnapshotAsync(
        PromotionRun run,
        IReadOnlyList<ScopedTable> tables,
        string snapshot,
        Dictionary<string, RecordedTable> digests,
        CancellationToken cancellationToken
    )
    {
        var comparison = new Comparison(run.Databases, run.Scope, run.Tenant, new(Isolated: snapshot));
        var results = await run.DigestsAsync(comparison, tables, cancellationToken);
        var differing = results.Where(result => !result.IsEqual).Select(result => result.Table.Name.ToString());
        if (differing.ToArray() is { Length: > 0 } names)
            await run.Journal.Phases.NoteAsync(run.Id, Name, new VerifyFlipFacts(names), cancellationToken);
        await comparison.RequireEqualAsync(results, run.Tenant.Slug, cancellationToken, flipped: true);
        foreach (var result in results)
            digests[result.Table.Name.ToString()] = result.Recorded;
        run.AsFlipped = null;
        return $"{results.Sum(result => result.Shared.Rows):N0} rows equal at the flip";
    }

    // The process that flipped has ended, and its snapshot with it. The shared rows have not changed since the flip. A table
    // is recorded if it still has the digest that Verify compared, or if each of its rows is in the isolated database too.
    // No other table is recorded.
    async Task<string> VerifyWithoutSnapshotAsync(
        PromotionRun run,
        IReadOnlyList<ScopedTable> tables,
        Dictionary<string, RecordedTable> digests,
        CancellationToken cancellationToken
    )
    {
        var comparison = new Comparison(run.Databases, run.Common, run.Tenant);
        var shared = new Comparison(run.Databases, run.Scope, run.Tenant);
        var rows = new FlippedRows(run.Databases, run.Scope, run.Tenant, digests);
        var checks = await rows.CheckAsync(run.Options.Jobs, cancellationToken);
        var doubtful = new List<string>();
        foreach (var table in checks.Where(check => !check.IsUntouched).Select(check => check.Table))
        {
            var name = table.Name.ToString();
            var common = run.Common.TenantTables.FirstOrDefault(one => one.Name == table.Name);
            if (!force && (common is null || !await comparison.IsolatedHasAllAsync(common, cancellationToken)))
            {
                digests.Remove(name);
                doubtful.Add(name);
            }
            else
                digests[name] = await shared.SharedDigestAsync(table, cancellationToken);
        }
        if (doubtful.Count == 0)
            return $"{tables.Count} tables as verified";
        run.Progress.Warn(VerificationMessages.NotVouchedFor(run.Tenant.Slug, doubtful));
        return $"{tables.Count - doubtful.Count} tables as verified; finalize will refuse {doubtful.Count}";
    }
}
