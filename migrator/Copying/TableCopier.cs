using System.Collections.Concurrent;
using System.Data;
using Migrator.Connections;
using Migrator.Governing;
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
    Governor governor,
    TimeProvider clock
)
{
    // Somebody who waits for it waits no longer than half a minute, with the time that a commit takes.
    const int HelperLockTimeout = 100;

    static readonly TimeSpan LongestPiece = TimeSpan.FromSeconds(20);

    /// <summary>
    /// Copies the parts of a leaf side by side. Parts that an interrupted run loaded are removed first.
    /// </summary>
    /// <param name="slots">Limits the workers of all tables together.</param>
    /// <param name="snapshot">The source's snapshot to read under; null for one of the leaf's own.</param>
    public async Task CopyAsync(
        LeafPlan plan,
        SemaphoreSlim slots,
        string? snapshot,
        CancellationToken cancellationToken
    )
    {
        await slots.WaitAsync(cancellationToken);
        try
        {
            await using var source = await databases.Shared.OpenConnectionAsync(cancellationToken);
            await using var reading = await source.BeginTransactionAsync(
                IsolationLevel.RepeatableRead,
                cancellationToken
            );
            await LockAsync(source, [plan], cancellationToken);
            if (snapshot is not null)
                await Snapshots.SetAsync(source, snapshot, cancellationToken);
            if (!plan.IsSplit)
                await StreamAsync(plan, plan.Parts[0], source, truncates: true, cancellationToken);
            else
                await CopyPartsAsync(plan, source, reading, slots, cancellationToken);
        }
        finally
        {
            slots.Release();
        }
    }

    // All parts see the table at one moment, however long the last of them waits for its turn.
    async Task CopyPartsAsync(
        LeafPlan plan,
        NpgsqlConnection source,
        NpgsqlTransaction reading,
        SemaphoreSlim slots,
        CancellationToken cancellationToken
    )
    {
        var snapshot = await source.ExecuteScalarAsync<string>("SELECT pg_export_snapshot()", cancellationToken);
        await TruncateAsync(plan, cancellationToken);
        var parts = new ConcurrentQueue<CopyPart>(plan.Parts);
        using var done = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(done.Token);
        var helpers = Enumerable
            .Range(1, plan.Parts.Count - 1)
            .Select(_ => HelpAsync(plan, parts, snapshot!, slots, done, waiting.Token))
            .ToArray();
        try
        {
            await CopyPartsAsync(plan, parts, source, done.Token);
        }
        catch
        {
            await done.CancelAsync();
            throw;
        }
        finally
        {
            // Whoever waits for the table's lock would let the helpers wait for it: it must not wait for them.
            await reading.DisposeAsync();
            await waiting.CancelAsync();
            await Task.WhenAll(helpers);
        }
    }

    async Task CopyPartsAsync(
        LeafPlan plan,
        ConcurrentQueue<CopyPart> parts,
        NpgsqlConnection source,
        CancellationToken cancellationToken
    )
    {
        while (parts.TryDequeue(out var part))
            await StreamAsync(plan, part, source, truncates: false, cancellationToken);
    }

    // Another worker for the same parts. It has a lock of its own, or does not help: behind somebody who waits for the
    // table's lock it would wait for the first worker.
    async Task HelpAsync(
        LeafPlan plan,
        ConcurrentQueue<CopyPart> parts,
        string snapshot,
        SemaphoreSlim slots,
        CancellationTokenSource done,
        CancellationToken waiting
    )
    {
        try
        {
            await slots.WaitAsync(waiting);
        }
        catch (OperationCanceledException)
        {
            // The parts are done, or the copy has failed: the first worker says which.
            return;
        }
        try
        {
            await using var source = await databases.Shared.OpenConnectionAsync(done.Token);
            await using var reading = await source.BeginTransactionAsync(IsolationLevel.RepeatableRead, done.Token);
            await source.ExecuteAsync($"SET LOCAL lock_timeout = {HelperLockTimeout}", done.Token);
            await LockAsync(source, [plan], done.Token);
            await source.ExecuteAsync("SET LOCAL lock_timeout = 0", done.Token);
            await Snapshots.SetAsync(source, snapshot, done.Token);
            await CopyPartsAsync(plan, parts, source, done.Token);
        }
        catch (PostgresException e)
            when (e.SqlState is PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.InvalidParameterValue)
        {
            // Somebody waits for the lock, or the first worker is done and its snapshot gone.
        }
        catch
        {
            await done.CancelAsync();
            throw;
        }
        finally
        {
            slots.Release();
        }
    }

    // Before the snapshot: CLUSTER, VACUUM FULL and the like move rows to other blocks, and a table that was rewritten is
    // empty to an older snapshot. The lock holds up nothing else than those.
    // https://www.postgresql.org/docs/current/mvcc-caveats.html
    public static Task LockAsync(
        NpgsqlConnection source,
        IReadOnlyCollection<LeafPlan> plans,
        CancellationToken cancellationToken
    ) =>
        source.ExecuteAsync(
            $"LOCK TABLE {string.Join(", ", plans.Select(plan => $"ONLY {plan.Leaf.Name.Quoted}"))} IN ACCESS SHARE MODE",
            cancellationToken
        );

    async Task StreamAsync(
        LeafPlan plan,
        CopyPart part,
        NpgsqlConnection source,
        bool truncates,
        CancellationToken cancellationToken
    )
    {
        var table = plan.Table.Table;
        // A range of blocks is read as a whole.
        var condition = plan.IsSplit
            ? scope.Copied(plan.Table, "t", tenant.Id)
            : scope.CopiedOfAll(plan.Table, tenant.Id);
        var read = RawCopy.Out(table, $"ONLY {plan.Leaf.Name.Quoted}", $"{condition} AND {part.Condition}");
        await using var target = await databases.Isolated.OpenConnectionAsync(cancellationToken);
        long bytes = 0;
        await using var pieces = new LeafPieces(
            target,
            journal,
            plan,
            truncates ? () => TruncateAsync(target, plan, cancellationToken) : null,
            rows => FinishAsync(plan, part, source, target, (rows, bytes), cancellationToken)
        );
        await PieceCopy.RunAsync(
            source,
            read,
            RawCopy.IsBinary(table),
            pieces,
            LongestPiece,
            length =>
            {
                bytes += length;
                progress.Advance(plan.Table.Name, length);
                return governor.PassAsync(length, cancellationToken);
            },
            clock,
            cancellationToken
        );
    }

    async Task FinishAsync(
        LeafPlan plan,
        CopyPart part,
        NpgsqlConnection source,
        NpgsqlConnection target,
        (long Rows, long Bytes) copied,
        CancellationToken cancellationToken
    )
    {
        await IsolatedJournal.PartLoadedAsync(
            target,
            plan.Leaf.Name,
            part.Number,
            copied.Rows,
            copied.Bytes,
            cancellationToken
        );
        if (part.Number == 0 && scope.CopiedAlong(plan.Table, "t", tenant.Id) is { } along)
            await SaveDigestAsync(plan, along, source, target, cancellationToken);
        progress.PartDone(plan.Table.Name, copied.Rows);
    }

    async Task TruncateAsync(LeafPlan plan, CancellationToken cancellationToken)
    {
        await using var target = await databases.Isolated.OpenConnectionAsync(cancellationToken);
        await using var writing = await target.BeginTransactionAsync(cancellationToken);
        await journal.RequireCurrentRunAsync(target, cancellationToken);
        await TruncateAsync(target, plan, cancellationToken);
        await writing.CommitAsync(cancellationToken);
    }

    static async Task TruncateAsync(NpgsqlConnection target, LeafPlan plan, CancellationToken cancellationToken)
    {
        await target.ExecuteAsync($"TRUNCATE ONLY {plan.Leaf.Name.Quoted}", cancellationToken);
        await IsolatedJournal.ForgetTableAsync(target, plan.Leaf.Name, cancellationToken);
    }

    // Other sessions may write the rows that come along, so the isolated side is compared with what the copy saw.
    static async Task SaveDigestAsync(
        LeafPlan plan,
        string along,
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
                along,
                cancellationToken
            ),
            cancellationToken
        );
}
