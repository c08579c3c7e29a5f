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
        var schemas = new SchemaDifference(run.Scope, shared, isolated);
        if (await schemas.FindAsync(cancellationToken) is { Count: > 0 } differences)
            throw RollbackMessages.SchemasMovedApart(run.Tenant.Slug, differences);
        if (await schemas.SharedOnlyAsync(cancellationToken) is { Count: > 0 } additions)
            run.Progress.Warn(RollbackMessages.SharedOnly(additions));
        await StrayRows.RequireNoneAsync(isolated, run.Common, run.Tenant, cancellationToken);
        await RequireFlippedRowsAsync(run, shared, force, cancellationToken);
        await ReportReferencesAsync(run, shared, isolated, cancellationToken);
    }

    // Rows of a reference table are not the tenant's: the shared database's own stay. What was written in the isolated one is named,
    // and only rows that the tenant's rows refer to come along.
    static async Task ReportReferencesAsync(
        PromotionRun run,
        NpgsqlConnection shared,
        NpgsqlConnection isolated,
        CancellationToken cancellationToken
    )
    {
        const int most = 1_000;
        var recorded = await JournalReader.DigestsAsync(shared, run.Id, cancellationToken);
        var comparison = new Comparison(run.Databases, run.Common, run.Tenant);
        foreach (var table in run.Common.CopiedTables.Where(table => !table.IsTenantData))
        {
            var now = await DigestReader.ReadAsync(isolated, table.Table, "true", cancellationToken);
            if (recorded.TryGetValue(table.Name.ToString(), out var then) && then == now)
                continue;
            var rows = await comparison.RowsAsync(table, most, cancellationToken);
            if (rows.Count > 0)
                run.Progress.Warn(
                    RollbackMessages.ReferenceRowsDiffer(
                        table.Name,
                        rows.Count < most ? $"{rows.Count:N0}" : $"{most:N0} or more",
                        [.. rows.Take(5).Select(row => $"{row}")]
                    )
                );
        }
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
        var recorded = await JournalReader.RecordedAsync(shared, run.Id, cancellationToken);
        var rows = new FlippedRows(run.Databases, run.Scope, run.Tenant, recorded);
        string[] changed =
        [
            .. (await rows.CheckAsync(run.Options.Jobs, cancellationToken))
                .Where(check => !check.IsUntouched)
                .Select(check => $"{check}"),
        ];
        if (changed.Length == 0)
            return;
        if (!force && run.Record.IsVouchedFor)
            throw RollbackMessages.SharedRowsWritten(run.Tenant.Slug, changed);
        run.Progress.Warn(RollbackMessages.SharedRowsReplaced(run.Tenant.Slug, changed));
    }

    static T? Facts<T>(PromotionRecord record, string phase)
        where T : class => record.Phase(phase) is { } recorded ? PhaseData.Read<T>(recorded.Facts) : null;
}
