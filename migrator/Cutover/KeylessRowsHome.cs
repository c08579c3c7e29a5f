using Migrator.Connections;
using Migrator.Guarding;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Runs;
using Migrator.Scope;
using Migrator.Streaming;
using Npgsql;

namespace Migrator.Cutover;

/// <summary>
/// <see cref="KeylessRows"/> on the way home. At a consistent point the tenant's rows of both sides are made equal. From
/// then on the guards of both sides note what changes: in the isolated database what the tenant does, in the shared one
/// what foreign keys do to such rows when the stream deletes or changes others. Behind the closed guard the difference of
/// the two is all that is missing.
/// </summary>
public sealed class KeylessRowsHome : IAsyncDisposable
{
    readonly PromotionRun run;
    readonly ScopedTable[] tables;
    readonly ScopedTable[] others;
    readonly NpgsqlConnection shared;
    IReadOnlyList<KeylessTable> indexed = [];
    string isolatedSnapshot = "";
    string sharedSnapshot = "";

    KeylessRowsHome(PromotionRun run, NpgsqlConnection shared)
    {
        this.run = run;
        this.shared = shared;
        tables = [.. run.Common.UnstreamedTables.Where(GuardTriggers.Notes)];
        others = [.. run.Common.UnstreamedTables.Except(tables)];
    }

    /// <summary>Makes the rows equal. The object keeps a connection to the shared database.</summary>
    /// <param name="touched">Where to note the keys of the rows that the stream changes on its way to the point.</param>
    public static async Task<KeylessRowsHome> CopyAsync(
        PromotionRun run,
        StreamDirection direction,
        DirtyKeys touched,
        CancellationToken cancellationToken
    )
    {
        var rows = new KeylessRowsHome(run, run.Databases.Shared.CreateConnection());
        try
        {
            // Those that an attempt has brought which did not succeed.
            await run.Reconciler.RemoveReadingAsync(cancellationToken);
            if (rows.tables.Length > 0)
                await rows.CopyAsync(direction, touched, cancellationToken);
            if (rows.others.Where(table => !table.Reads.Any()).ToArray() is { Length: > 0 } others)
                await run.Reconciler.ApproachAsync(others, cancellationToken);
            return rows;
        }
        catch
        {
            await rows.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// Makes the rows those of the isolated database; to be called behind its closed guard, when the stream has brought all
    /// other rows.
    /// </summary>
    public async Task CatchUpAsync(CancellationToken cancellationToken)
    {
        await using (var isolated = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken))
            foreach (var table in indexed)
                await CatchUpAsync(table, isolated, cancellationToken);
        if (others.Length > 0)
            await run.Reconciler.RunAsync(others, cancellationToken);
    }

    public ValueTask DisposeAsync() => shared.DisposeAsync();

    async Task CopyAsync(StreamDirection direction, DirtyKeys touched, CancellationToken cancellationToken)
    {
        await shared.OpenAsync(cancellationToken);
        await using (
            var point = await ConsistentPoint.SyncAsync(direction, TargetState.Consistent, touched, cancellationToken)
        )
        {
            await using (var isolated = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken))
            await using (await Snapshots.BeginAsync(isolated, point.Snapshot, cancellationToken))
                isolatedSnapshot = await Snapshots.CurrentAsync(isolated, cancellationToken);
            await run.Reconciler.AlignAsync(tables, point.Snapshot, cancellationToken);
        }
        // Here only the stream changes rows of the tenant, and it begins again afterwards.
        await run.Journal.TransactAsync(run.Guard.ForgetNotedAsync, cancellationToken);
        sharedSnapshot = await Snapshots.CurrentAsync(shared, cancellationToken);
        indexed = await KeylessTable.IndexAsync(
            shared,
            tables,
            table => run.Common.Condition(table, "t", run.Tenant.Id),
            cancellationToken
        );
    }

    async Task CatchUpAsync(KeylessTable table, NpgsqlConnection isolated, CancellationToken cancellationToken)
    {
        var there = await run.IsolatedGuard.Guard.NotedAsync(
            isolated,
            table.Table,
            isolatedSnapshot,
            cancellationToken
        );
        var here = await run.Guard.NotedAsync(shared, table.Table, sharedSnapshot, cancellationToken);
        NotedRows[] changes =
        [
            .. there
                .Concat(here.Select(rows => rows with { Count = -rows.Count }))
                .GroupBy(rows => rows.Row)
                .Select(group => new NotedRows(group.Key, group.Sum(rows => rows.Count)))
                .Where(rows => rows.Count != 0),
        ];
        if (changes.Length == 0)
            return;
        try
        {
            await WriteAsync(table, changes, cancellationToken);
        }
        catch (MigratorException e) when (e.Code == ExitCode.Different)
        {
            // The rows that a foreign key changed, and those of a table that was rewritten, are elsewhere now.
            await table.IndexAsync(cancellationToken);
            await WriteAsync(table, changes, cancellationToken);
        }
    }

    Task WriteAsync(KeylessTable table, NotedRows[] changes, CancellationToken cancellationToken) =>
        run.Reconciler.WriteAsync(
            shared,
            table.Table.Name,
            async () =>
                await table.ChangeAsync(changes, cancellationToken) is > 0 and var missing
                    ? throw RollbackMessages.KeylessDiffer(run.Tenant.Slug, table.Table.Name, missing)
                    : changes.Length,
            cancellationToken
        );
}
