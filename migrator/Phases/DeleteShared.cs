using Migrator.Connections;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Runs;
using Migrator.Scope;
using Migrator.Verification;
using Npgsql;

namespace Migrator.Phases;

/// <summary>
/// Finalize deletes the tenant's rows from the shared database; the tenant's own row stays for routing. Before the delete,
/// finalize looks at the isolated database, which will have the only copy. After the delete, finalize compares the number
/// of deleted rows with the recorded number, and counts the rows that are left.
/// </summary>
/// <param name="batchSize">Rows per transaction.</param>
/// <param name="force">Delete although the rows are not the recorded ones.</param>
public sealed class DeleteShared(int batchSize, bool force) : Phase
{
    public override string Name => PhaseName.DeleteShared;
    public override string Title => "Delete the shared copy";
    public override string State => PromotionState.Isolated;
    public override bool EndsByPause => true;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        // An interrupted finalize has deleted some already; what is left was checked before.
        if (await FactsAsync(run, cancellationToken) is not { Checked: true })
        {
            var checks = await ChecksAsync(run, cancellationToken);
            await RequireIsolatedAsync(run, checks, cancellationToken);
            RequireRecorded(run, checks);
            await run.Journal.Phases.NoteAsync(
                run.Id,
                Name,
                new DeletionFacts(true, Expected: checks.Sum(check => (check.Then ?? check.Now).Rows)),
                cancellationToken
            );
        }
        else
            await RequireIsolatedAsync(run, [], cancellationToken);
        var deletion = new SharedDeletion(run, batchSize, (await FactsAsync(run, cancellationToken))!);
        foreach (var component in run.Scope.Components().Reverse())
            if (component.Where(table => table.Scope != TableScope.Root).ToArray() is { Length: > 0 } tables)
                await deletion.DeleteAsync(tables, cancellationToken);

        await RequireNothingLeftAsync(run, cancellationToken);
        var (_, deleted, expected) = (await FactsAsync(run, cancellationToken))!;
        if (!force && expected is { } recorded && deleted != recorded)
            throw RollbackMessages.DeletedOther(run.Tenant.Slug, deleted, recorded);
        return new($"{deleted:N0} rows deleted, none left in {Tables(run).Count()} tables");
    }

    static IEnumerable<ScopedTable> Tables(PromotionRun run) =>
        run.Scope.TenantTables.Where(table => table.Scope != TableScope.Root);

    async Task<DeletionFacts?> FactsAsync(PromotionRun run, CancellationToken cancellationToken) =>
        (await run.RecordAsync(cancellationToken)).Phase(Name) is { } record
            ? PhaseData.Read<DeletionFacts>(record.Facts)
            : null;

    static async Task<IReadOnlyList<FlippedTable>> ChecksAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        var recorded = await JournalReader.RecordedAsync(shared, run.Id, cancellationToken);
        return await new FlippedRows(run.Databases, run.Scope, run.Tenant, recorded).CheckAsync(
            run.Options.Jobs,
            cancellationToken
        );
    }

    // The isolated database is there, ours, in use, and has the tenant's rows: after this there is no other copy.
    async Task RequireIsolatedAsync(
        PromotionRun run,
        IReadOnlyList<FlippedTable> checks,
        CancellationToken cancellationToken
    )
    {
        await using (var server = await run.Databases.Maintenance.OpenConnectionAsync(cancellationToken))
            if (!await IsolatedDatabase.ExistsAsync(server, run.Tenant.Slug, cancellationToken))
                throw RollbackMessages.IsolatedGone(run.Tenant.Slug, run.Target);
        await using var isolated = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken);
        var mark = await IsolatedMark.ReadAsync(isolated, cancellationToken);
        if (mark is null || mark.TenantKey != run.Tenant.Key || mark.Promotion != run.Id)
            throw RollbackMessages.IsolatedNotOurs(run.Tenant.Slug, run.Target);
        var lacking = new List<string>();
        foreach (var check in checks)
        {
            if (check.Then is not { Rows: > 0 } digest)
                continue;
            var table = check.Table.Name;
            var rows = await CountAsync(isolated, table, run.Common, cancellationToken);
            if (rows is null or 0)
                lacking.Add($"{table} {(rows is null ? "is not there" : "is empty")} ({digest.Rows:N0} rows recorded)");
            else if (rows < digest.Rows)
                run.Progress.Warn(RollbackMessages.RowsFewer(table, digest.Rows, rows.Value));
        }
        if (lacking.Count > 0 && !force)
            throw RollbackMessages.IsolatedLacksRows(run.Tenant.Slug, lacking);
    }

    static async Task<long?> CountAsync(
        NpgsqlConnection isolated,
        TableName table,
        TenantScope common,
        CancellationToken cancellationToken
    )
    {
        var arrived = common.Tables.FirstOrDefault(one => one.Name == table) is { } known
            ? common.Arrived(known, "t")
            : "true";
        const string exists = "SELECT to_regclass(@name) IS NOT NULL";
        return await isolated.ExecuteScalarAsync<bool>(exists, new { name = table.Quoted }, cancellationToken)
            ? await isolated.ExecuteScalarAsync<long>(
                $"SELECT count(*) FROM {table.Quoted} t WHERE {arrived}",
                cancellationToken
            )
            : null;
    }

    void RequireRecorded(PromotionRun run, IReadOnlyList<FlippedTable> checks)
    {
        if (!force && checks.Where(check => !check.IsUntouched).ToArray() is { Length: > 0 } changed)
            throw RollbackMessages.NotTheRecordedRows(run.Tenant.Slug, [.. changed.Select(check => $"{check}")]);
    }

    // A rule or a trigger may have turned a delete into something else.
    static async Task RequireNothingLeftAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        var left = new List<string>();
        foreach (var table in Tables(run))
            if (
                await shared.ExecuteScalarAsync<long>(
                    $"SELECT count(*) FROM {table.Table.From} t WHERE {run.Scope.Condition(table, "t", run.Tenant.Id)}",
                    cancellationToken
                )
                is > 0
                    and var rows
            )
                left.Add($"{table.Name} ({rows:N0} rows)");
        if (left.Count > 0)
            throw RollbackMessages.RowsLeft(run.Tenant.Slug, left);
    }
}
