using Migrator.Connections;
using Migrator.Copying;
using Migrator.Guarding;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Runs;
using Migrator.Scope;
using Migrator.Streaming;
using Migrator.Verification;
using Npgsql;

namespace Migrator.Cutover;

/// <summary>
/// Rows without a key, which no stream can name. They are copied under a snapshot while the tenant writes, and the guard in
/// the shared database notes each row that is written, removed or replaced, with the transaction that does so. Behind the
/// closed guard the rows are those of the snapshot, and what was noted by transactions that the snapshot does not show.
/// Equal rows are as good as each other: they are counted.
/// </summary>
/// <remarks>
/// Whether a snapshot shows a transaction:
/// https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-SNAPSHOT
/// </remarks>
public sealed class KeylessRows : IAsyncDisposable
{
    readonly PromotionRun run;
    readonly ScopedTable[] tables;
    readonly NpgsqlConnection isolated;
    IReadOnlyList<KeylessTable> indexed = [];
    string snapshot = "";

    KeylessRows(PromotionRun run, ScopedTable[] tables, NpgsqlConnection isolated)
    {
        this.run = run;
        this.tables = tables;
        this.isolated = isolated;
    }

    /// <summary>Copies the rows. The object keeps a connection to the isolated database.</summary>
    public static async Task<KeylessRows> CopyAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        var rows = new KeylessRows(run, NotedTables(run), run.Databases.Isolated.CreateConnection());
        try
        {
            if (rows.tables.Length > 0)
                await rows.CopyAsync(cancellationToken);
            return rows;
        }
        catch
        {
            await rows.DisposeAsync();
            throw;
        }
    }

    /// <summary>Makes the rows those of the shared database; to be called behind its closed guard.</summary>
    /// <exception cref="MigratorException">A row that was removed is not there.</exception>
    public async Task CatchUpAsync(CancellationToken cancellationToken)
    {
        if (tables.Length > 0)
            await FollowAsync(cancellationToken);
        ScopedTable[] others = [.. run.Scope.UnstreamedTables.Except(tables)];
        if (others.Length > 0)
            await CopyOthersAsync(others, cancellationToken);
    }

    /// <summary>
    /// Checks the rows against the foreign keys that the copy has taken away. The tenant writes already, and its writes
    /// go on.
    /// </summary>
    public static async Task ValidateKeysAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        var tables = NotedTables(run);
        if (tables.Length == 0)
            return;
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        await using var isolated = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken);
        await ConstraintLifting.ValidateKeysAsync(
            isolated,
            await ConstraintLifting.ValidKeysAsync(shared, tables.Select(table => table.Name), cancellationToken),
            cancellationToken
        );
    }

    public ValueTask DisposeAsync() => isolated.DisposeAsync();

    static ScopedTable[] NotedTables(PromotionRun run) => [.. run.Scope.UnstreamedTables.Where(GuardTriggers.Notes)];

    async Task CopyAsync(CancellationToken cancellationToken)
    {
        await ConstraintDeferral.SuspendKeysAsync(
            run.Stream,
            [.. tables.Select(table => table.Name)],
            cancellationToken
        );
        await isolated.OpenAsync(cancellationToken);
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        await using var reading = await shared.BeginTransactionAsync(
            System.Data.IsolationLevel.RepeatableRead,
            cancellationToken
        );
        snapshot = await Snapshots.CurrentAsync(shared, cancellationToken);
        await ReplaceAsync(shared, isolated, tables, cancellationToken);
        indexed = await KeylessTable.IndexAsync(isolated, tables, _ => "true", cancellationToken);
    }

    async Task FollowAsync(CancellationToken cancellationToken)
    {
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        await using var transaction = await isolated.BeginTransactionAsync(cancellationToken);
        await run.Isolated.RequireCurrentRunAsync(isolated, cancellationToken);
        foreach (var table in indexed)
        {
            var changes = await run.Guard.NotedAsync(shared, table.Table, snapshot, cancellationToken);
            if (await table.ChangeAsync(changes, cancellationToken) is > 0 and var missing)
                throw VerificationMessages.KeylessDiffer(run.Tenant.Slug, table.Table.Name, missing);
        }
        await transaction.CommitAsync(cancellationToken);
    }

    // Rows of which only other rows tell whose they are. Preflight has made sure that they are few.
    async Task CopyOthersAsync(ScopedTable[] others, CancellationToken cancellationToken)
    {
        await using (var shared = await run.Databases.Shared.OpenConnectionAsync(cancellationToken))
        await using (var target = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken))
            await ReplaceAsync(shared, target, others, cancellationToken);
        var comparison = new Comparison(run.Databases, run.Scope, run.Tenant);
        await comparison.RequireEqualAsync(
            await comparison.DigestsAsync(others, run.Options.Jobs, cancellationToken),
            run.Tenant.Slug,
            cancellationToken
        );
    }

    async Task ReplaceAsync(
        NpgsqlConnection shared,
        NpgsqlConnection target,
        ScopedTable[] replaced,
        CancellationToken cancellationToken
    )
    {
        await using var transaction = await target.BeginTransactionAsync(cancellationToken);
        await run.Isolated.RequireCurrentRunAsync(target, cancellationToken);
        foreach (var table in replaced)
        {
            await target.ExecuteAsync($"DELETE FROM {table.Table.From}", cancellationToken);
            await RawCopy.StreamAsync(
                shared,
                RawCopy.Out(table.Table, table.Table.From, run.Scope.CopiedOfAll(table, run.Tenant.Id)),
                target,
                RawCopy.In(table.Table, table.Name.Quoted),
                null,
                cancellationToken
            );
        }
        await transaction.CommitAsync(cancellationToken);
    }
}
