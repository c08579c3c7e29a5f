using System.Collections.Concurrent;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Runs;
using Migrator.Scope;
using Migrator.Verification;
using Npgsql;

namespace Migrator;

/// <summary>What a rollback looks at before it writes anything: a refusal leaves both databases as they are.</summary>
static class RollbackChecks
{
    /// <param name="force">Go on although the shared rows are not those of the flip.</param>
    public static async Task RunAsync(PromotionRun run, bool force, CancellationToken cancellationToken)
    {
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        await using var isolated = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken);
        var differences = await new SchemaDifference(run.Scope, shared, isolated).FindAsync(cancellationToken);
        if (differences.Count > 0)
            throw RollbackMessages.SchemasMovedApart(run.Tenant.Slug, differences);
        await StrayRows.RequireNoneAsync(isolated, run.Scope, run.Tenant, cancellationToken);
        await RequireFlippedRowsAsync(run, shared, force, cancellationToken);
    }

    // The shared rows stood still behind their guard. What somebody wrote there all the same would be lost.
    static async Task RequireFlippedRowsAsync(
        PromotionRun run,
        NpgsqlConnection shared,
        bool force,
        CancellationToken cancellationToken
    )
    {
        // A rollback under way and a finalize change the rows themselves.
        if (
            run.Record.Stage != PromotionStage.Isolated
            || Facts<DeletionFacts>(run.Record, PhaseName.DeleteShared) is { Checked: true }
        )
            return;
        var recorded = await JournalReader.DigestsAsync(shared, run.Id, cancellationToken);
        var changed = await ChangedAsync(run, recorded, cancellationToken);
        var seen = Facts<PreflightFacts>(run.Record, PhaseName.Preflight)!.Fingerprint;
        var migrated = await Catalog.FingerprintAsync(shared, cancellationToken) != seen;
        // A migration may change the digest of every row, and adds none.
        var written = changed.Where(table => table.Then is { } then && (!migrated || table.Now.Rows > then.Rows));
        if (!force && IsVouchedFor(run.Record) && written.Select(Described).ToArray() is { Length: > 0 } names)
            throw RollbackMessages.SharedRowsWritten(run.Tenant.Slug, names);
        if (changed.Count > 0)
            run.Progress.Warn(RollbackMessages.SharedRowsReplaced(run.Tenant.Slug, [.. changed.Select(Described)]));
    }

    // Once a rollback has begun, the recorded digests are those of the flip only if finalize has verified them again.
    static bool IsVouchedFor(PromotionRecord record) =>
        record.IsOnline
            ? record.Phase(PhaseName.VerifyFlip)?.EndedAt is not null
            : Facts<RollbackFacts>(record, PhaseName.CutOver) is not { RollbackBegan: true };

    static T? Facts<T>(PromotionRecord record, string phase)
        where T : class => record.Phase(phase) is { } recorded ? PhaseData.Read<T>(recorded.Facts) : null;

    static async Task<IReadOnlyList<ChangedTable>> ChangedAsync(
        PromotionRun run,
        IReadOnlyDictionary<string, Digest> recorded,
        CancellationToken cancellationToken
    )
    {
        var comparison = new Comparison(run.Databases, run.Scope, run.Tenant);
        var changed = new ConcurrentBag<ChangedTable>();
        // The flip itself changes the tenant's own row.
        await Parallel.ForEachAsync(
            run.Scope.TenantTables.Where(table => table.Scope != TableScope.Root),
            new ParallelOptions { MaxDegreeOfParallelism = run.Options.Jobs, CancellationToken = cancellationToken },
            async (table, token) =>
            {
                var now = await comparison.SharedDigestAsync(table, token);
                Digest? then = recorded.TryGetValue(table.Name.ToString(), out var digest) ? digest : null;
                if (now != then && (then is not null || now.Rows > 0))
                    changed.Add(new(table.Name, then, now));
            }
        );
        return [.. changed.OrderBy(table => table.Name)];
    }

    static string Described(ChangedTable table) =>
        table.Then is { } then
            ? $"{table.Name} ({then.Rows:N0} rows recorded, {table.Now.Rows:N0} now)"
            : $"{table.Name} (nothing recorded, {table.Now.Rows:N0} rows now)";

    sealed record ChangedTable(TableName Name, Digest? Then, Digest Now);
}
