using System.Collections.Concurrent;
using System.Threading.Channels;
using Migrator.Messages;
using Migrator.Model;
using Npgsql;
using Npgsql.Replication;
using NpgsqlTypes;

namespace Migrator.Streaming;

/// <summary>
/// A stream at work: one task reads the slot, another applies what was read. The target's position is committed with
/// the rows that it speaks of, and the slot is confirmed after that; so after a crash at any moment no change is
/// missing and none is applied twice.
/// </summary>
public sealed class ChangeFeed : IAsyncDisposable
{
    readonly StreamDirection direction;
    readonly CancellationTokenSource stop;
    readonly LogicalReplicationConnection connection;
    readonly IChangeApplier applier;
    readonly Channel<ChangeBatch> batches;
    readonly ReadAhead ahead = new();
    readonly ConcurrentDictionary<string, TaskCompletionSource> watermarks = new();
    readonly NpgsqlLogSequenceNumber from;
    long changes;
    long expected;
    long waited;
    bool disposed;

    ChangeFeed(
        StreamDirection direction,
        IChangeApplier applier,
        string? secret,
        NpgsqlLogSequenceNumber from,
        NpgsqlLogSequenceNumber? stopBefore,
        CancellationToken cancellationToken
    )
    {
        this.direction = direction;
        this.applier = applier;
        this.from = from;
        // A batch of the way home is smaller.
        batches = Channel.CreateBounded<ChangeBatch>(direction.IsReverse ? 4 : 2);
        stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        connection = new(
            new NpgsqlConnectionStringBuilder(direction.SourceReplication.ConnectionString)
            {
                Pooling = false,
                // Ended in the middle of a message or not: the target knows its position.
                CancellationTimeout = -1,
            }.ConnectionString
        )
        {
            WalReceiverStatusInterval = TimeSpan.FromSeconds(1),
        };
        Completion = RunAsync(new(direction, secret, from, stopBefore, batches.Writer, ahead));
    }

    /// <summary>Ends when the position to stop before is reached; faulted when the stream breaks.</summary>
    public Task Completion { get; }

    /// <summary>Each transaction asks the governor first; not in a cutover.</summary>
    public bool IsGoverned { get; set; }

    /// <summary>How long the governor has held the feed up.</summary>
    public TimeSpan Waited => TimeSpan.FromTicks(Interlocked.Read(ref waited));

    /// <summary>How many changes have been applied.</summary>
    public long Changes => Interlocked.Read(ref changes);

    /// <summary>Follows the stream until disposed.</summary>
    /// <param name="state">The reverse stream always meets a consistent target.</param>
    /// <param name="touched">Where to note the keys of changed rows.</param>
    public static Task<ChangeFeed> OpenAsync(
        StreamDirection direction,
        TargetState state,
        CancellationToken cancellationToken,
        DirtyKeys? touched = null
    ) =>
        OpenAsync(
            direction,
            direction.IsReverse
                ? new ReverseApplier(direction, touched)
                : new StreamingApplier(direction, state, touched),
            null,
            cancellationToken
        );

    /// <summary>Follows the stream to a consistent point, where it ends.</summary>
    public static Task<ChangeFeed> OpenAsync(
        StreamDirection direction,
        TargetState state,
        ConsistentPoint point,
        DirtyKeys? touched,
        CancellationToken cancellationToken
    ) =>
        OpenAsync(
            direction,
            direction.IsReverse
                ? new ReverseApplier(direction, touched)
                : new ConsistentPointApplier(direction, state, point.Snapshot, touched),
            point.Position,
            cancellationToken
        );

    /// <summary>Waits until the target holds everything that committed before the watermark.</summary>
    /// <exception cref="ConsistentPointNeededException">
    /// The feed ended because only a consistent point leads on.
    /// </exception>
    public async Task WaitForWatermarkAsync(string watermark, CancellationToken cancellationToken)
    {
        var reached = Reached(watermark).Task.WaitAsync(cancellationToken);
        if (await Task.WhenAny(reached, Completion) == Completion && !reached.IsCompletedSuccessfully)
        {
            await Completion;
            throw ServerMessages.Lost("the change stream ended");
        }
        await reached;
    }

    /// <summary>
    /// Waits until the target holds every change. To be called behind the source's closed guard.
    /// </summary>
    /// <param name="source">The database that the changes come from.</param>
    public async Task WaitForLastChangeAsync(NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await PassWatermarkAsync(connection, cancellationToken);
    }

    /// <summary>Emits a watermark in the source, and waits until it comes through.</summary>
    /// <param name="tells">From here on the feed tells how far it is on its way there.</param>
    public async Task PassWatermarkAsync(
        NpgsqlConnection source,
        CancellationToken cancellationToken,
        bool tells = false
    )
    {
        var (watermark, at) = await ReplicationSlot.EmitWatermarkAsync(source, cancellationToken);
        if (tells)
            Interlocked.Exchange(ref expected, (long)((ulong)at - (ulong)from));
        await WaitForWatermarkAsync(watermark, cancellationToken);
    }

    /// <summary>
    /// To be called before the source's guard closes; the next watermark is to be emitted behind the closed guard.
    /// </summary>
    public void DeferRefetches() => applier.DeferRefetches();

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

    static async Task<ChangeFeed> OpenAsync(
        StreamDirection direction,
        IChangeApplier applier,
        NpgsqlLogSequenceNumber? stopBefore,
        CancellationToken cancellationToken
    )
    {
        try
        {
            await direction.ReleaseAsync(cancellationToken);
            string? secret;
            await using (var source = await direction.Source.OpenConnectionAsync(cancellationToken))
                secret = await direction.SecretAsync(source, cancellationToken);
            NpgsqlLogSequenceNumber from;
            await using (var target = await direction.Target.OpenConnectionAsync(cancellationToken))
                from = await StreamPosition.ReadAsync(target, direction.Promotion, cancellationToken);
            await applier.OpenAsync(cancellationToken);
            return new(direction, applier, secret, from, stopBefore, cancellationToken);
        }
        catch
        {
            await applier.DisposeAsync();
            throw;
        }
    }

    async Task RunAsync(ChangeReader reader)
    {
        try
        {
            await connection.Open(stop.Token);
        }
        catch (PostgresException e)
        {
            throw StreamMessages.ReplicationRefused(e);
        }
        var reading = ReadAsync(reader);
        var applying = ApplyAsync();
        // The task that fails first tells why, and stops the other.
        var first = await Task.WhenAny(reading, applying);
        if (!first.IsCompletedSuccessfully)
            await stop.CancelAsync();
        await Task.WhenAll(reading, applying).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await first;
        await applying;
        await reading;
    }

    async Task ReadAsync(ChangeReader reader)
    {
        Exception? broken = null;
        try
        {
            await reader.ReadAsync(connection, stop.Token);
        }
        catch (Exception e)
        {
            broken = e
                is PostgresException
                {
                    SqlState: PostgresErrorCodes.ObjectNotInPrerequisiteState or PostgresErrorCodes.UndefinedObject
                } lost
                ? Lost(lost)
                : e;
            throw broken;
        }
        finally
        {
            // With its reason: a stream that broke has not come to its end.
            batches.Writer.TryComplete(broken);
        }
    }

    StreamLostException Lost(PostgresException e) =>
        direction.IsReverse
            ? StreamMessages.ReverseSlotLost(direction.Tenant.Slug, e)
            : StreamMessages.SlotLost(direction.Tenant.Slug, e);

    async Task ApplyAsync()
    {
        while (await batches.Reader.WaitToReadAsync(stop.Token))
            ahead.Release(await ApplyNextAsync());
        if (await applier.CompleteAsync(stop.Token) is { } end)
            connection.SetReplicationStatus(end);
    }

    // A method of its own: while the next batch is waited for, nothing here refers to the rows of this one.
    async Task<long> ApplyNextAsync()
    {
        if (!batches.Reader.TryRead(out var batch))
            return 0;
        if (direction.IsReverse)
            batch = WithWaiting(batch);
        if (IsGoverned && !applier.IsOpen)
            await WaitAsync();
        await applier.ApplyAsync(batch, stop.Token);
        Interlocked.Add(ref changes, batch.Changes.Count);
        if (!batch.EndsTransaction || applier.IsOpen)
            return batch.Size;
        connection.SetReplicationStatus(batch.End);
        if (Interlocked.Read(ref expected) is > 0 and var all)
            direction.Progress.Reached("", ProgressUnit.WalBytes, (long)((ulong)batch.End - (ulong)from), all);
        foreach (var watermark in batch.Watermarks)
            Reached(watermark).TrySetResult();
        return batch.Size;
    }

    async Task WaitAsync()
    {
        var asked = direction.Clock.GetTimestamp();
        await direction.Governor.WaitAsync(stop.Token);
        Interlocked.Add(ref waited, direction.Clock.GetElapsedTime(asked).Ticks);
    }

    // In the shared database each commit has to wait for tables that others write to: batches that wait already go with
    // it, as long as nobody there waits longer for that.
    ChangeBatch WithWaiting(ChangeBatch batch)
    {
        while (
            batch.EndsTransaction
            && batches.Reader.TryPeek(out var next)
            && next.EndsTransaction
            && batch.Changes.Count + next.Changes.Count <= ChangeReader.EnoughReverseChanges
            && batches.Reader.TryRead(out next)
        )
            batch = batch.Concat(next);
        return batch;
    }

    TaskCompletionSource Reached(string watermark) =>
        watermarks.GetOrAdd(watermark, _ => new(TaskCreationOptions.RunContinuationsAsynchronously));
}
