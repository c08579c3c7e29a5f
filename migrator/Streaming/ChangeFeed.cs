using System.Collections.Concurrent;
using System.Threading.Channels;
using Migrator.Messages;
using Migrator.Terminal;
using Npgsql;
using Npgsql.Replication;
using NpgsqlTypes;

namespace Migrator.Streaming;

/// <summary>
/// Changes on their way: one task reads the slot, another applies what was read. The target's position is committed with the rows it speaks of,
/// and the slot is confirmed after that; so after a crash at any moment no change is missing and none is applied twice.
/// </summary>
public sealed class ChangeFeed : IAsyncDisposable
{
    readonly bool isHomebound;
    readonly CancellationTokenSource stop;
    readonly LogicalReplicationConnection connection;
    readonly ChangeApplier applier;
    readonly Channel<ChangeBatch> chunks = Channel.CreateBounded<ChangeBatch>(4);
    readonly ConcurrentDictionary<string, TaskCompletionSource> marks = new();
    long changes;
    bool disposed;

    ChangeFeed(
        StreamDirection direction,
        ChangeApplier applier,
        NpgsqlLogSequenceNumber from,
        NpgsqlLogSequenceNumber? stopBefore,
        CancellationToken cancellationToken
    )
    {
        this.applier = applier;
        isHomebound = direction.IsReverse;
        stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        connection = new(
            new NpgsqlConnectionStringBuilder(direction.SourceServer.ConnectionString)
            {
                Pooling = false,
                // Ended in the middle of a message or not: the target knows its position.
                CancellationTimeout = -1,
            }.ConnectionString
        )
        {
            WalReceiverStatusInterval = TimeSpan.FromSeconds(1),
        };
        Completion = RunAsync(direction, from, stopBefore);
    }

    /// <summary>Ends when the position to stop before is reached; faulted when the stream breaks.</summary>
    public Task Completion { get; }

    /// <summary>How many changes have been applied.</summary>
    public long Changes => Interlocked.Read(ref changes);

    /// <param name="exact">See <see cref="ChangeApplier"/>.</param>
    /// <param name="stopBefore">End before the first transaction that committed at this position or later; null to go on until disposed.</param>
    /// <param name="snapshot">The source's snapshot to ask under.</param>
    /// <param name="touched">Where to note the keys of changed rows.</param>
    public static async Task<ChangeFeed> OpenAsync(
        StreamDirection direction,
        bool exact,
        CancellationToken cancellationToken,
        NpgsqlLogSequenceNumber? stopBefore = null,
        string? snapshot = null,
        DirtyKeys? touched = null
    )
    {
        await using (var source = await direction.Source.OpenConnectionAsync(cancellationToken))
            await ReplicationSlot.ReleaseAsync(source, direction.Name, cancellationToken);
        NpgsqlLogSequenceNumber from;
        await using (var target = await direction.Target.OpenConnectionAsync(cancellationToken))
            from = await StreamPosition.ReadAsync(target, direction.Promotion, cancellationToken);
        var applier = new ChangeApplier(direction, exact, snapshot, touched);
        try
        {
            await applier.OpenAsync(cancellationToken);
            return new(direction, applier, from, stopBefore, cancellationToken);
        }
        catch
        {
            await applier.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits until the target holds everything that committed before the mark.</summary>
    /// <exception cref="ExactPointNeededException">The feed ended because only an exact point leads on.</exception>
    public async Task WaitForWatermarkAsync(string mark, CancellationToken cancellationToken)
    {
        var met = marks
            .GetOrAdd(mark, _ => new(TaskCreationOptions.RunContinuationsAsynchronously))
            .Task.WaitAsync(cancellationToken);
        if (await Task.WhenAny(met, Completion) == Completion && !met.IsCompletedSuccessfully)
        {
            await Completion;
            throw ServerMessages.Lost("the change stream ended");
        }
        await met;
    }

    /// <summary>To be called before the source's guard closes; the next mark is to be made behind it.</summary>
    public void DeferRefetches() => applier.DefersRefetches = true;

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref disposed, true))
            return;
        await stop.CancelAsync();
        await Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await applier.DisposeAsync();
        await connection.DisposeAsync();
        stop.Dispose();
    }

    async Task RunAsync(StreamDirection direction, NpgsqlLogSequenceNumber from, NpgsqlLogSequenceNumber? stopBefore)
    {
        try
        {
            await connection.Open(stop.Token);
        }
        catch (PostgresException e)
        {
            throw StreamMessages.ReplicationRefused(e);
        }
        var reading = ReadAsync(direction, from, stopBefore);
        var applying = ApplyAsync();
        // Whoever fails first tells why; the other is stopped by it.
        var first = await Task.WhenAny(reading, applying);
        if (!first.IsCompletedSuccessfully)
            await stop.CancelAsync();
        await Task.WhenAll(reading, applying).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await first;
        await applying;
        await reading;
    }

    async Task ReadAsync(StreamDirection direction, NpgsqlLogSequenceNumber from, NpgsqlLogSequenceNumber? stopBefore)
    {
        Exception? broken = null;
        try
        {
            await new ChangeReader(direction).ReadAsync(connection, from, stopBefore, chunks.Writer, stop.Token);
        }
        catch (Exception e)
        {
            broken = e
                is PostgresException
                {
                    SqlState: PostgresErrorCodes.ObjectNotInPrerequisiteState or PostgresErrorCodes.UndefinedObject
                } lost
                ? StreamMessages.SlotLost(direction.Tenant.Slug, lost)
                : e;
            throw broken;
        }
        finally
        {
            // With its reason: a stream that broke has not come to its end.
            chunks.Writer.TryComplete(broken);
        }
    }

    async Task ApplyAsync()
    {
        await foreach (var first in chunks.Reader.ReadAllAsync(stop.Token))
        {
            var chunk = first;
            // Homeward each commit has to wait for tables that others write to: what has come meanwhile goes with it.
            while (
                isHomebound
                && chunk.EndsTransaction
                && chunks.Reader.TryPeek(out var next)
                && next.EndsTransaction
                && chunks.Reader.TryRead(out next)
            )
                chunk = chunk.And(next);
            await applier.ApplyAsync(chunk, stop.Token);
            Interlocked.Add(ref changes, chunk.Changes.Count);
            if (!chunk.EndsTransaction || applier.IsOpen)
                continue;
            connection.SetReplicationStatus(chunk.End);
            foreach (var mark in chunk.Watermarks)
                marks.GetOrAdd(mark, _ => new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
        }
        if (await applier.CompleteAsync(stop.Token) is { } end)
            connection.SetReplicationStatus(end);
    }
}
