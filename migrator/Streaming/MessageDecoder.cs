using Migrator.Messages;
using Migrator.Model;
using Npgsql.Replication.PgOutput;
using Npgsql.Replication.PgOutput.Messages;
using NpgsqlTypes;

namespace Migrator.Streaming;

/// <summary>
/// Turns the messages of a slot into changes of the tenant's rows, and collects them until they are taken.
/// </summary>
/// <param name="secret">What the guard in the source proves its messages with; null if there is none.</param>
sealed class MessageDecoder(StreamDirection direction, string? secret)
{
    readonly Dictionary<uint, Relation> relations = [];
    readonly Dictionary<uint, ShownTransactions> copied = [];
    readonly List<Change> changes = [];
    readonly List<string> watermarks = [];
    readonly HashSet<(StreamedTable, RowKey)> reassigned = [];
    uint transaction;

    public int Count => changes.Count;

    /// <summary>How many bytes the collected rows had in the stream.</summary>
    public long Size { get; private set; }

    public bool HasWatermarks => watermarks.Count > 0;

    public bool IsEmpty => changes.Count == 0 && watermarks.Count == 0;

    /// <summary>A row changed its tenant in the transaction that was read last.</summary>
    public bool HasReassigned => reassigned.Count > 0;

    /// <summary>What was collected, which is then forgotten.</summary>
    public ChangeBatch Take(bool endsTransaction, NpgsqlLogSequenceNumber end)
    {
        var batch = new ChangeBatch([.. changes], endsTransaction, end, [.. watermarks], Size);
        changes.Clear();
        watermarks.Clear();
        Size = 0;
        return batch;
    }

    /// <exception cref="StreamLostException">The stream cannot be read, whatever it holds.</exception>
    public async ValueTask DecodeAsync(PgOutputReplicationMessage message, CancellationToken cancellationToken)
    {
        try
        {
            await ReadAsync(message, cancellationToken);
        }
        catch (Exception e)
            when (e is FormatException or KeyNotFoundException or ArgumentException or InvalidCastException)
        {
            throw StreamMessages.Unreadable(direction.Tenant.Slug, message.GetType().Name, e);
        }
    }

    async ValueTask ReadAsync(PgOutputReplicationMessage message, CancellationToken cancellationToken)
    {
        switch (message)
        {
            case BeginMessage begin:
                reassigned.Clear();
                transaction = begin.TransactionXid;
                break;
            case RelationMessage relation:
                // A partition is announced along with the table that it is a part of, by whose name its changes come.
                if (TableOf(relation) is { } table)
                    Know(relation, table);
                break;
            case LogicalDecodingMessage watermark when watermark.Prefix == ReplicationSlot.WatermarkPrefix:
                watermarks.Add(await TextAsync(watermark, cancellationToken));
                break;
            // In the isolated database every row is the tenant's, whatever it refers to.
            case LogicalDecodingMessage { Prefix: Reassignment.Prefix } said when !direction.IsReverse:
                Reassign(await Reassignment.ReadAsync(said.Data, secret, cancellationToken));
                break;
            case InsertMessage { Relation: var of } when IsCopied(of):
            case UpdateMessage { Relation: var ofUpdated } when IsCopied(ofUpdated):
            case DeleteMessage { Relation: var ofDeleted } when IsCopied(ofDeleted):
                break;
            case InsertMessage insert:
                Insert(insert.Relation, await RowAsync(insert.Relation, insert.NewRow, cancellationToken));
                break;
            case UpdateMessage update:
                // The old row precedes the new one in the message, and is read first.
                var old = await OldRowAsync(update, cancellationToken);
                Update(update.Relation, await RowAsync(update.Relation, update.NewRow, cancellationToken), old);
                break;
            case KeyDeleteMessage delete:
                Delete(delete.Relation, await RowAsync(delete.Relation, delete.Key, cancellationToken));
                break;
            case FullDeleteMessage delete:
                Delete(delete.Relation, await RowAsync(delete.Relation, delete.OldRow, cancellationToken));
                break;
            case TruncateMessage truncate:
                foreach (var relation in truncate.Relations.Where(one => !IsCopied(one)))
                    changes.Add(new(relations[relation.RelationId].Table, ChangeKind.Truncate, [], null));
                break;
        }
    }

    // A layout is told once, also if it is that of changes that are skipped, and again when DDL has changed it.
    void Know(RelationMessage relation, StreamedTable table)
    {
        if (direction.CopiedAfter(table.Name) is { } shown)
            copied[relation.RelationId] = shown;
        if (Relation.Of(relation, table) is { } known)
            relations[relation.RelationId] = known;
        else if (!IsCopied(relation))
            throw Relation.Unknown(relation, table, direction);
    }

    StreamedTable? TableOf(RelationMessage relation)
    {
        var name = new TableName(relation.Namespace, relation.RelationName);
        return direction.Tables.FirstOrDefault(table => table.Name == name);
    }

    // What came before DDL is in the table's copy already, and its rows may have another form.
    bool IsCopied(RelationMessage relation) =>
        copied.TryGetValue(relation.RelationId, out var shown) && shown.Shows(transaction);

    async ValueTask<object?[]?> OldRowAsync(UpdateMessage update, CancellationToken cancellationToken) =>
        update switch
        {
            IndexUpdateMessage indexed => await RowAsync(update.Relation, indexed.Key, cancellationToken),
            FullUpdateMessage full => await RowAsync(update.Relation, full.OldRow, cancellationToken),
            _ => null,
        };

    // A row that is certainly another tenant's stays out.
    void Insert(RelationMessage relation, object?[] row)
    {
        var table = relations[relation.RelationId].Table;
        if (table.IsOurs(row) != false)
            changes.Add(new(table, ChangeKind.Insert, row, null));
    }

    void Update(RelationMessage relation, object?[] row, object?[]? old)
    {
        var table = relations[relation.RelationId].Table;
        var key = table.KeyOf(row);
        var oldKey = old is null ? null : table.KeyOf(old);
        if (key.Equals(oldKey))
            oldKey = null;
        // A row that was reassigned and then changed its key is reassigned under both.
        if (oldKey is not null && reassigned.Contains((table, oldKey)))
            Reassign(table, key);
        if (table.IsOurs(row) != false || reassigned.Contains((table, key)))
            changes.Add(new(table, ChangeKind.Update, row, oldKey));
    }

    // An old row may be its key alone; the tenant column is null then, and the row may be the tenant's.
    void Delete(RelationMessage relation, object?[] old)
    {
        var table = relations[relation.RelationId].Table;
        var namesTenant = table.TenantPosition is { } position && old[position] is not null;
        if (!namesTenant || table.IsOurs(old) != false)
            changes.Add(new(table, ChangeKind.Delete, [], table.KeyOf(old)));
    }

    void Reassign(Reassignment? said)
    {
        if (said?.Tenant != direction.Tenant.Key)
            return;
        if (direction.Tables.FirstOrDefault(table => table.Name == said.Table) is not { } table)
            return;
        Reassign(table, said.Old);
        Reassign(table, said.New);
    }

    void Reassign(StreamedTable table, RowKey key)
    {
        if (reassigned.Add((table, key)))
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
            if (position >= row.Length)
                continue;
            if (value.IsUnchangedToastedValue)
                row[position] = Change.Unchanged;
            else if (!value.IsDBNull)
            {
                var column = relation.Table.Columns[position];
                Size += value.Length;
                row[position] =
                    (
                        value.Length >= LargeValue.MinLength
                            ? await LargeValue.ReadAsync(column, value.GetStream, value.Length, cancellationToken)
                            : null
                    ) ?? (object)await value.Get<string>(cancellationToken);
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
        /// <returns>Null if the table is not the one that the run has read.</returns>
        public static Relation? Of(RelationMessage message, StreamedTable table)
        {
            // What is not copied has no place in a row.
            var names = table.Columns.Select(column => column.Name).Concat(table.Table.Blank).ToList();
            int[] positions = [.. message.Columns.Select(column => names.IndexOf(column.ColumnName))];
            // Rows from before a column came have null in it. With a default it would have cost the table a copy.
            var missing = Enumerable.Range(0, names.Count).Except(positions);
            return !positions.Contains(-1) && missing.All(i => i < table.Columns.Count && !table.Columns[i].NotNull)
                ? new(table, positions)
                : null;
        }

        // The reverse stream also tells of rows from before a migration that both databases have had since.
        public static MigratorException Unknown(RelationMessage message, StreamedTable table, StreamDirection direction)
        {
            var layout = $"{table.Name} ({string.Join(", ", message.Columns.Select(column => column.ColumnName))})";
            return direction.IsReverse
                ? StreamMessages.StreamDiverged(direction.Tenant.Slug, $"the layout was {layout}.")
                : PromotionMessages.SchemaMoved(layout);
        }
    }
}
