using Migrator.Connections;
using Migrator.Messages;
using Npgsql;
using Npgsql.Replication;
using NpgsqlTypes;

namespace Migrator.Streaming;

/// <summary>
/// One moment of the source, as a snapshot to read under and as a position to apply up to: there both sides are equal
/// while the tenant writes on. A temporary slot knows both, and is gone when its connection closes.
/// </summary>
/// <remarks>https://www.postgresql.org/docs/current/protocol-replication.html#PROTOCOL-REPLICATION-CREATE-REPLICATION-SLOT</remarks>
public sealed class ConsistentPoint : IAsyncDisposable
{
    static readonly TimeSpan Timeout = TimeSpan.FromSeconds(60);

    readonly LogicalReplicationConnection connection;

    ConsistentPoint(LogicalReplicationConnection connection, string snapshot, NpgsqlLogSequenceNumber position)
    {
        this.connection = connection;
        Snapshot = snapshot;
        Position = position;
    }

    /// <summary>Valid as long as this object lives.</summary>
    public string Snapshot { get; }

    /// <summary>Transactions that committed before this position are in the snapshot, all others are not.</summary>
    public NpgsqlLogSequenceNumber Position { get; }

    /// <summary>Takes a point, and brings the target to it.</summary>
    /// <param name="touched">Where to note the keys of changed rows.</param>
    public static async Task<ConsistentPoint> SyncAsync(
        StreamDirection direction,
        TargetState state,
        DirtyKeys? touched,
        CancellationToken cancellationToken
    )
    {
        var point = await TakeAsync(direction, cancellationToken);
        try
        {
            // A transaction beyond the point, so that the stream notices that the point has been passed.
            await using (var source = await direction.Source.OpenConnectionAsync(cancellationToken))
                await ReplicationSlot.EmitWatermarkAsync(source, cancellationToken);
            await using var stream = await ChangeFeed.OpenAsync(direction, state, point, touched, cancellationToken);
            await stream.Completion;
            return point;
        }
        catch
        {
            await point.DisposeAsync();
            throw;
        }
    }

    public ValueTask DisposeAsync() => connection.DisposeAsync();

    static async Task<ConsistentPoint> TakeAsync(StreamDirection direction, CancellationToken cancellationToken)
    {
        var connection = new LogicalReplicationConnection(
            new NpgsqlConnectionStringBuilder(direction.SourceReplication.ConnectionString)
            {
                Pooling = false,
            }.ConnectionString
        );
        using var timeout = new CancellationTokenSource(Timeout, direction.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            await connection.Open(either.Token);
            var slot = await connection.CreatePgOutputReplicationSlot(
                StreamNames.Temporary(),
                temporarySlot: true,
                slotSnapshotInitMode: LogicalSlotSnapshotInitMode.Export,
                cancellationToken: either.Token
            );
            return new(connection, slot.SnapshotName!, slot.ConsistentPoint);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            await connection.DisposeAsync();
            await using var source = await direction.Source.OpenConnectionAsync(cancellationToken);
            throw StreamMessages.SlotWaits(await LockHolders.WritersAsync(source, cancellationToken), null);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }
}
