using System.Diagnostics;
using System.Text.Json;
using System.Threading.Channels;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Terminal;
using Npgsql.Replication;
using Npgsql.Replication.PgOutput;
using Npgsql.Replication.PgOutput.Messages;
using NpgsqlTypes;

namespace Migrator.Streaming;

/// <summary>Reads a slot and cuts what it says into chunks.</summary>
/// <remarks>
/// Protocol 2 without streaming of transactions in progress: a large one waits on the server's disk until it commits, and then passes through here
/// piece by piece. Streamed earlier it would have to wait on ours, and might still be rolled back.
/// https://www.postgresql.org/docs/current/protocol-logical-replication.html
/// </remarks>
public sealed class ChangeReader(StreamDirection direction)
{
    public const string WatermarkPrefix = "tenant_promotion_mark";

    const string MovedPrefix = "tenant_promotion_moved";

    // Where a chunk may end, and where it must: of a single transaction that goes on.
    const int EnoughChanges = 1_000;
    const int TooManyChanges = 4_000;
    const int TooManyCharacters = 8_000_000;

    static readonly TimeSpan HomeboundInterval = TimeSpan.FromSeconds(1);

    readonly Dictionary<uint, Relation> relations = [];
    readonly List<Change> changes = [];
    readonly List<string> marks = [];
    readonly HashSet<(StreamedTable, RowKey)> moved = [];
    long characters;

    /// <param name="stopBefore">End before the first transaction that committed at this position or later; null to go on.</param>
    public async Task ReadAsync(
        LogicalReplicationConnection connection,
        NpgsqlLogSequenceNumber from,
        NpgsqlLogSequenceNumber? stopBefore,
        ChannelWriter<ChangeBatch> output,
        CancellationToken cancellationToken
    )
    {
        var options = new PgOutputReplicationOptions(direction.Name, PgOutputProtocolVersion.V2, messages: true);
        await using var messages = connection
            .StartReplication(new PgOutputReplicationSlot(direction.Name), options, cancellationToken, from)
            .GetAsyncEnumerator(cancellationToken);
        var end = from;
        var inTransaction = false;
        var sinceFlush = Stopwatch.StartNew();

        ValueTask FlushAsync()
        {
            sinceFlush.Restart();
            var chunk = new ChangeBatch([.. changes], !inTransaction, end, [.. marks]);
            changes.Clear();
            marks.Clear();
            characters = 0;
            return output.WriteAsync(chunk, cancellationToken);
        }

        while (true)
        {
            var next = messages.MoveNextAsync();
            // Nothing is waiting: what we have goes out at once, and the other side is never far behind.
            if (!next.IsCompleted && !inTransaction && (changes.Count > 0 || marks.Count > 0))
            {
                var waiting = next.AsTask();
                try
                {
                    // Homeward each chunk locks tables of the shared database for a moment: not too often, unless somebody waits for a mark.
                    if (direction.IsReverse && marks.Count == 0 && sinceFlush.Elapsed < HomeboundInterval)
                        await Task.WhenAny(
                            waiting,
                            Task.Delay(HomeboundInterval - sinceFlush.Elapsed, cancellationToken)
                        );
                    if (!waiting.IsCompleted || !direction.IsReverse)
                        await FlushAsync();
                }
                catch
                {
                    // An enumerator that is still moving must not be disposed of.
                    await ((Task)waiting).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    throw;
                }
                if (!await waiting)
                    return;
            }
            else if (!await next)
                return;
            switch (messages.Current)
            {
                case BeginMessage begin when begin.TransactionFinalLsn >= stopBefore:
                    if (end > from)
                        await FlushAsync();
                    return;
                case BeginMessage:
                    inTransaction = true;
                    moved.Clear();
                    break;
                case CommitMessage commit:
                    inTransaction = false;
                    end = commit.TransactionEndLsn;
                    // Rows that moved are settled before anything of the next transaction is applied.
                    if (changes.Count >= (direction.IsReverse ? TooManyChanges : EnoughChanges) || moved.Count > 0)
                        await FlushAsync();
                    break;
                case RelationMessage relation:
                    // A partition is announced along with the table that it is a part of, by whose name its changes come.
                    if (Relation.Of(relation, direction) is { } known)
                        relations[relation.RelationId] = known;
                    break;
                case LogicalDecodingMessage { Prefix: WatermarkPrefix } message:
                    marks.Add(await TextAsync(message, cancellationToken));
                    break;
                case LogicalDecodingMessage { Prefix: MovedPrefix } message:
                    Moved(await TextAsync(message, cancellationToken));
                    break;
                case InsertMessage insert:
                    Add(
                        relations[insert.Relation.RelationId],
                        ChangeKind.Insert,
                        await RowAsync(insert.Relation, insert.NewRow, cancellationToken),
                        null
                    );
                    break;
                case IndexUpdateMessage update:
                    var key = await RowAsync(update.Relation, update.Key, cancellationToken);
                    Add(
                        relations[update.Relation.RelationId],
                        ChangeKind.Update,
                        await RowAsync(update.Relation, update.NewRow, cancellationToken),
                        key
                    );
                    break;
                case FullUpdateMessage update:
                    var before = await RowAsync(update.Relation, update.OldRow, cancellationToken);
                    Add(
                        relations[update.Relation.RelationId],
                        ChangeKind.Update,
                        await RowAsync(update.Relation, update.NewRow, cancellationToken),
                        before
                    );
                    break;
                case UpdateMessage update:
                    Add(
                        relations[update.Relation.RelationId],
                        ChangeKind.Update,
                        await RowAsync(update.Relation, update.NewRow, cancellationToken),
                        null
                    );
                    break;
                case KeyDeleteMessage delete:
                    Add(
                        relations[delete.Relation.RelationId],
                        ChangeKind.Delete,
                        null,
                        await RowAsync(delete.Relation, delete.Key, cancellationToken)
                    );
                    break;
                case FullDeleteMessage delete:
                    Add(
                        relations[delete.Relation.RelationId],
                        ChangeKind.Delete,
                        null,
                        await RowAsync(delete.Relation, delete.OldRow, cancellationToken)
                    );
                    break;
                case TruncateMessage truncate:
                    foreach (var relation in truncate.Relations)
                        changes.Add(new(relations[relation.RelationId].Table, ChangeKind.Truncate, [], null));
                    break;
            }
            if (changes.Count >= TooManyChanges || characters >= TooManyCharacters)
                await FlushAsync();
        }
    }

    // What is certainly another tenant's stays out.
    void Add(Relation relation, ChangeKind kind, object?[]? row, object?[]? old)
    {
        var table = relation.Table;
        var oldKey = old is null ? null : table.KeyOf(old);
        if (row is not null && oldKey is not null && oldKey.Equals(table.KeyOf(row)))
            oldKey = null;
        var isOurs = table.IsOurs(row ?? old!);
        if (kind == ChangeKind.Delete && isOurs == false && !KnowsTenant(table, old!))
            isOurs = null;
        // A row that moved and then changed its key has moved under both.
        if (row is not null && oldKey is not null && moved.Contains((table, oldKey)))
            Moved(table, table.KeyOf(row));
        if (isOurs == false && !(kind == ChangeKind.Update && moved.Contains((table, table.KeyOf(row!)))))
            return;
        changes.Add(new(table, kind, row ?? [], oldKey));
    }

    // An old row may be its key alone; the tenant column is null then.
    static bool KnowsTenant(StreamedTable table, object?[] old) =>
        table.TenantPosition is { } position && old[position] is not null;

    void Moved(string text)
    {
        using var document = JsonDocument.Parse(text);
        var said = document.RootElement;
        // Homeward every row is the tenant's, wherever it moves.
        if (direction.IsReverse || said.GetProperty("tenant").GetString() != direction.Tenant.Key)
            return;
        var name = new TableName(said.GetProperty("schema").GetString()!, said.GetProperty("table").GetString()!);
        if (direction.Tables.FirstOrDefault(table => table.Name == name) is not { } table)
            return;
        foreach (var side in (string[])["old", "new"])
            Moved(table, new([.. said.GetProperty(side).EnumerateArray().Select(value => value.GetString()!)]));
    }

    void Moved(StreamedTable table, RowKey key)
    {
        if (moved.Add((table, key)))
            changes.Add(new(table, ChangeKind.Move, [], key));
    }

    async ValueTask<object?[]> RowAsync(
        RelationMessage message,
        ReplicationTuple tuple,
        CancellationToken cancellationToken
    )
    {
        var relation = relations[message.RelationId];
        var row = new object?[relation.Table.Columns.Count];
        var i = 0;
        await foreach (var value in tuple.WithCancellation(cancellationToken))
        {
            var position = relation.Positions[i++];
            if (value.IsUnchangedToastedValue)
                row[position] = Change.Unchanged;
            else if (!value.IsDBNull)
            {
                var text = await value.Get<string>(cancellationToken);
                characters += text.Length;
                row[position] = text;
            }
        }
        return row;
    }

    static async Task<string> TextAsync(LogicalDecodingMessage message, CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(message.Data);
        return await reader.ReadToEndAsync(cancellationToken);
    }

    /// <summary>How the stream lays out a table's rows.</summary>
    sealed record Relation(StreamedTable Table, int[] Positions)
    {
        /// <exception cref="Failure">The table is not the one that Preflight saw.</exception>
        public static Relation? Of(RelationMessage message, StreamDirection direction)
        {
            var name = new TableName(message.Namespace, message.RelationName);
            if (direction.Tables.FirstOrDefault(table => table.Name == name) is not { } table)
                return null;
            var names = table.Columns.Select(column => column.Name).ToList();
            int[] positions = [.. message.Columns.Select(column => names.IndexOf(column.ColumnName))];
            if (positions.Length != names.Count || positions.Contains(-1))
                throw PromotionMessages.SchemaChanged(
                    direction.Tenant.Slug,
                    $"{name} ({string.Join(", ", message.Columns.Select(column => column.ColumnName))})"
                );
            return new(table, positions);
        }
    }
}
