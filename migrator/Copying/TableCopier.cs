using System.Data;
using Migrator.Connections;
using Migrator.Journal;
using Migrator.Model;
using Migrator.Progress;
using Migrator.Scope;
using Migrator.Verification;
using Npgsql;

namespace Migrator.Copying;

/// <summary>
/// Copies the tenant's rows of one leaf table. The isolated database records a part in the transaction that loads it.
/// </summary>
public sealed class TableCopier(
    Databases databases,
    TenantScope scope,
    Tenant tenant,
    IsolatedJournal journal,
    ICopyProgress progress,
    Throttle throttle
)
{
    /// <summary>
    /// Copies the parts of a leaf side by side. Parts that an interrupted run loaded are removed first.
    /// </summary>
    /// <param name="slots">Limits the workers of all tables together.</param>
    public async Task CopyAsync(LeafPlan plan, SemaphoreSlim slots, CancellationToken cancellationToken)
    {
        if (!plan.IsSplit)
        {
            await slots.WaitAsync(cancellationToken);
            try
            {
                await CopyWholeAsync(plan, cancellationToken);
            }
            finally
            {
                slots.Release();
            }
            return;
        }

        await using var connection = await databases.Shared.OpenConnectionAsync(cancellationToken);
        // All parts see the table at one moment, however long the last of them waits for its turn.
        await using var transaction = await connection.BeginTransactionAsync(
            IsolationLevel.RepeatableRead,
            cancellationToken
        );
        var snapshot = await connection.ExecuteScalarAsync<string>("SELECT pg_export_snapshot()", cancellationToken);
        await TruncateAsync(plan, cancellationToken);
        using var failed = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAll(
            plan.Parts.Select(async part =>
            {
                await slots.WaitAsync(failed.Token);
                try
                {
                    await CopyPartAsync(plan, part, snapshot!, failed.Token);
                }
                catch
                {
                    await failed.CancelAsync();
                    throw;
                }
                finally
                {
                    slots.Release();
                }
            })
        );
    }

    // One transaction truncates and fills, so that rows can be written frozen and later readers need not set hint bits.
    async Task CopyWholeAsync(LeafPlan plan, CancellationToken cancellationToken)
    {
        await using var source = await databases.Shared.OpenConnectionAsync(cancellationToken);
        await using var reading = await source.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
        await using var target = await databases.Isolated.OpenConnectionAsync(cancellationToken);
        await using var writing = await target.BeginTransactionAsync(cancellationToken);
        await journal.RequireCurrentRunAsync(target, cancellationToken);
        await target.ExecuteAsync($"TRUNCATE ONLY {plan.Leaf.Name.Quoted}", cancellationToken);
        await IsolatedJournal.ForgetTableAsync(target, plan.Leaf.Name, cancellationToken);
        await StreamAsync(plan, plan.Parts[0], source, target, freeze: true, cancellationToken);
        if (plan.Table.Scope == TableScope.Reference)
            await SaveDigestAsync(plan, source, target, cancellationToken);
        await writing.CommitAsync(cancellationToken);
    }

    async Task CopyPartAsync(LeafPlan plan, CopyPart part, string snapshot, CancellationToken cancellationToken)
    {
        await using var source = await databases.Shared.OpenConnectionAsync(cancellationToken);
        await using var reading = await source.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
        await source.ExecuteAsync($"SET TRANSACTION SNAPSHOT {Sql.Literal(snapshot)}", cancellationToken);
        await using var target = await databases.Isolated.OpenConnectionAsync(cancellationToken);
        await using var writing = await target.BeginTransactionAsync(cancellationToken);
        await journal.RequireCurrentRunAsync(target, cancellationToken);
        await StreamAsync(plan, part, source, target, freeze: false, cancellationToken);
        if (plan.Table.Scope == TableScope.Reference && part.Number == 0)
            await SaveDigestAsync(plan, source, target, cancellationToken);
        await writing.CommitAsync(cancellationToken);
    }

    async Task StreamAsync(
        LeafPlan plan,
        CopyPart part,
        NpgsqlConnection source,
        NpgsqlConnection target,
        bool freeze,
        CancellationToken cancellationToken
    )
    {
        var table = plan.Table.Table;
        var name = plan.Leaf.Name.Quoted;
        var rows = await CountingAsync(
            target,
            name,
            async () =>
                await RawCopy.StreamAsync(
                    source,
                    RawCopy.Out(
                        table,
                        $"ONLY {name}",
                        $"{scope.Condition(plan.Table, "t", tenant.Key)} AND {part.Condition}"
                    ),
                    target,
                    RawCopy.In(table, name, freeze),
                    bytes =>
                    {
                        progress.Advance(plan.Table.Name, bytes);
                        return throttle.PassAsync(bytes, cancellationToken);
                    },
                    cancellationToken
                ),
            cancellationToken
        );
        await IsolatedJournal.PartLoadedAsync(
            target,
            plan.Leaf.Name,
            part.Number,
            rows.Rows,
            rows.Bytes,
            cancellationToken
        );
        progress.PartDone(plan.Table.Name, rows.Rows);
    }

    // Npgsql's raw stream does not show the command tag with the server's count of rows; the transaction's statistics
    // have the count.
    static async Task<(long Rows, long Bytes)> CountingAsync(
        NpgsqlConnection target,
        string name,
        Func<Task<long>> copy,
        CancellationToken cancellationToken
    )
    {
        const string inserted = "SELECT coalesce(pg_stat_get_xact_tuples_inserted(CAST(@name AS regclass)), 0)";
        var before = await target.ExecuteScalarAsync<long>(inserted, new { name }, cancellationToken);
        var bytes = await copy();
        return (await target.ExecuteScalarAsync<long>(inserted, new { name }, cancellationToken) - before, bytes);
    }

    async Task TruncateAsync(LeafPlan plan, CancellationToken cancellationToken)
    {
        await using var target = await databases.Isolated.OpenConnectionAsync(cancellationToken);
        await using var writing = await target.BeginTransactionAsync(cancellationToken);
        await journal.RequireCurrentRunAsync(target, cancellationToken);
        await target.ExecuteAsync($"TRUNCATE ONLY {plan.Leaf.Name.Quoted}", cancellationToken);
        await IsolatedJournal.ForgetTableAsync(target, plan.Leaf.Name, cancellationToken);
        await writing.CommitAsync(cancellationToken);
    }

    // Other sessions may write to a reference table, so the isolated side is compared with what the copy saw.
    static async Task SaveDigestAsync(
        LeafPlan plan,
        NpgsqlConnection source,
        NpgsqlConnection target,
        CancellationToken cancellationToken
    ) =>
        await IsolatedJournal.SaveCopiedDigestAsync(
            target,
            plan.Leaf.Name,
            await DigestReader.ReadAsync(
                source,
                plan.Table.Table,
                "ONLY " + plan.Leaf.Name.Quoted,
                "true",
                cancellationToken
            ),
            cancellationToken
        );
}
