using System.Threading.Channels;
using Migrator.Model;
using Npgsql.Replication;
using Npgsql.Replication.Internal;
using Npgsql.Replication.PgOutput;
using NpgsqlTypes;

namespace Migrator.Streaming;

/// <summary>Reads a slot and cuts what it says into batches.</summary>
/// <remarks>
/// Protocol 2 without streaming of transactions in progress: a large transaction waits on the server's disk until it
/// commits, and then passes through here piece by piece. Streamed earlier, it would have to wait on our disk, and might
/// still be rolled back.
/// https://www.postgresql.org/docs/current/protocol-logical-replication.html
/// </remarks>
/// <param name="secret">What the guard in the source proves its messages with; null if there is none.</param>
/// <param name="from">The position that the target has reached.</param>
/// <param name="stopBefore">
/// End before the first transaction that committed at this position or later; null to read until cancelled.
/// </param>
public sealed class ChangeReader(
    StreamDirection direction,
    string? secret,
    NpgsqlLogSequenceNumber from,
    NpgsqlLogSequenceNumber? stopBefore,
    ChannelWriter<ChangeBatch> output,
    ReadAhead ahead
)
{
    /// <summary>Changes that fill a batch in the shared database, where other tenants may wait for its end.</summary>
    public const int EnoughReverseChanges = 500;

    // Where another batch ends with its transaction, and where any must end in the middle of one.
    const int EnoughChanges = 2_000;
    const int TooManyChanges = 4_000;
    const int TooManyBytes = 8_000_000;

    // In the shared database each batch locks tables for a moment: not too often, unless a watermark is waited for.
    static readonly TimeSpan ReverseInterval = TimeSpan.FromSeconds(1);

    readonly MessageDecoder decoder = new(direction, secret);
    readonly NpgsqlLogSequenceNumber start = from;
    NpgsqlLogSequenceNumber end = from;
    bool inTransaction;
    long flushedAt = direction.Clock.GetTimestamp();

    TimeSpan SinceFlush => direction.Clock.GetElapsedTime(flushedAt);

    public async Task ReadAsync(LogicalReplicationConnection connection, CancellationToken cancellationToken)
    {
        // Npgsql's own reading of pgoutput parses each column of each row, of all tenants.
        await using var messages = connection
            .StartLogicalReplication(new PgOutputReplicationSlot(direction.Name), cancellationToken, start, Options)
            .GetAsyncEnumerator(cancellationToken);
        while (await MoveNextAsync(messages, cancellationToken))
        {
            var kind = await decoder.DecodeAsync(messages.Current.Data, cancellationToken);
            if (kind == MessageDecoder.Begin && decoder.Committed >= stopBefore)
            {
                if (end > start)
                    await FlushAsync(cancellationToken);
                return;
            }
            Follow(kind);
            if (EndsBatch(kind))
                await FlushAsync(cancellationToken);
        }
    }

    // A name is of lower-case letters, digits and underscores.
    IEnumerable<KeyValuePair<string, string?>> Options =>
        [new("proto_version", "2"), new("publication_names", Sql.Identifier(direction.Name)), new("messages", "on")];

    void Follow(char kind)
    {
        if (kind == MessageDecoder.Begin)
            inTransaction = true;
        if (kind != MessageDecoder.Commit)
            return;
        inTransaction = false;
        end = decoder.Ended;
    }

    // Reassigned rows are settled before anything of the next transaction is applied. A watermark is reached when its batch
    // has been committed, which a batch that ends in the middle of a later transaction is not.
    bool EndsBatch(char kind) =>
        decoder.Count >= TooManyChanges
        || decoder.Size >= TooManyBytes
        || (
            kind == MessageDecoder.Commit
            && (
                decoder.HasReassigned
                || decoder.HasWatermarks
                || decoder.Count >= (direction.IsReverse ? EnoughReverseChanges : EnoughChanges)
            )
        );

    // When nothing is waiting to be read, what was read is passed on, so that the target is never far behind.
    async ValueTask<bool> MoveNextAsync(IAsyncEnumerator<XLogDataMessage> messages, CancellationToken cancellationToken)
    {
        var next = messages.MoveNextAsync();
        if (next.IsCompleted || inTransaction || decoder.IsEmpty)
            return await next;
        var waiting = next.AsTask();
        try
        {
            if (direction.IsReverse && SinceFlush < ReverseInterval)
                await Task.WhenAny(
                    waiting,
                    Task.Delay(ReverseInterval - SinceFlush, direction.Clock, cancellationToken)
                );
            if (!waiting.IsCompleted || !direction.IsReverse)
                await FlushAsync(cancellationToken);
        }
        catch
        {
            // An enumerator that is still moving must not be disposed of.
            await ((Task)waiting).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }
        return await waiting;
    }

    async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        flushedAt = direction.Clock.GetTimestamp();
        ahead.Add(decoder.Size);
        await output.WriteAsync(decoder.Take(!inTransaction, end), cancellationToken);
        await ahead.HasRoomAsync(cancellationToken);
    }
}
