using Migrator.Messages;
using Migrator.Model;
using NpgsqlTypes;

namespace Migrator.Streaming;

/// <summary>
/// Turns the messages of a slot into changes of the tenant's rows, and collects them until they are taken.
/// </summary>
/// <remarks>https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html</remarks>
sealed class MessageDecoder
{
    /// <summary>The kinds of messages that begin and end a transaction.</summary>
    public const char Begin = 'B';

    /// <inheritdoc cref="Begin"/>
    public const char Commit = 'C';

    // A name is at most as long, and of a column there are some bytes more.
    const int ColumnBytes = 1_000;

    readonly LogicalMessage message;
    readonly RowReader rows;
    readonly Dictionary<uint, StreamedRelation> relations = [];
    readonly Dictionary<uint, ShownTransactions> copied = [];
    readonly List<Change> changes = [];
    readonly List<string> watermarks = [];
    readonly HashSet<(StreamedTable, RowKey)> reassigned = [];
    readonly StreamDirection direction;
    readonly string? secret;
    uint transaction;
    long taken;

    /// <param name="secret">What the guard in the source proves its messages with; null if there is none.</param>
    public MessageDecoder(StreamDirection direction, string? secret)
    {
        this.direction = direction;
        this.secret = secret;
        message = new();
        rows = new(message);
    }

    public int Count => changes.Count;

    /// <summary>How many bytes the collected rows had in the stream.</summary>
    public long Size => rows.Size - taken;

    public bool HasWatermarks => watermarks.Count > 0;

    public bool IsEmpty => changes.Count == 0 && watermarks.Count == 0;

    /// <summary>A row changed its tenant in the transaction that was read last.</summary>
    public bool HasReassigned => reassigned.Count > 0;

    /// <summary>Where the transaction that was begun last was committed.</summary>
    public NpgsqlLogSequenceNumber Committed { get; private set; }

    /// <summary>The position after the transaction that has ended last.</summary>
    public NpgsqlLogSequenceNumber Ended { get; private set; }

    /// <summary>What was collected, which is then forgotten.</summary>
    public ChangeBatch Take(bool endsTransaction, NpgsqlLogSequenceNumber end)
    {
        var batch = new ChangeBatch([.. changes], endsTransaction, end, [.. watermarks], Size);
        changes.Clear();
        watermarks.Clear();
        taken = rows.Size;
        return batch;
    }

    /// <returns>The message's kind.</returns>
    /// <exception cref="StreamLostException">The stream cannot be read, whatever it holds.</exception>
    public async ValueTask<char> DecodeAsync(Stream content, CancellationToken cancellationToken)
    {
        var kind = '?';
        try
        {
            await message.OpenAsync(content, cancellationToken);
            kind = message.Kind();
            await ReadAsync(kind, cancellationToken);
            return kind;
        }
        catch (Exception e)
            when (e is FormatException or KeyNotFoundException or ArgumentException or InvalidCastException)
        {
            throw StreamMessages.Unreadable(direction.Tenant.Slug, $"message {kind}", e);
        }
    }

    ValueTask ReadAsync(char kind, CancellationToken cancellationToken)
    {
        switch (kind)
        {
            case Begin:
                reassigned.Clear();
                Committed = new(message.UInt64());
                message.Skip(sizeof(long));
                transaction = message.UInt32();
                break;
            case Commit:
                message.Skip(1 + sizeof(ulong));
                Ended = new(message.UInt64());
                break;
            case 'R':
                return KnowAsync(cancellationToken);
            case 'M':
                return HearAsync(cancellationToken);
            case 'I' or 'U' or 'D':
                var id = message.UInt32();
                if (IsCopied(id) || IsOfAnother(id, kind))
                    break;
                return ChangeAsync(kind, relations[id], cancellationToken);
            case 'T':
                Truncate();
                break;
            case 'O' or 'Y':
                break;
            default:
                throw new FormatException("The kind is not known.");
        }
        return ValueTask.CompletedTask;
    }

    // Of a row that was reassigned in this transaction each change counts, whose ever it is.
    bool IsOfAnother(uint id, char kind) =>
        reassigned.Count == 0
        && relations.TryGetValue(id, out var relation)
        && relation.IsOfAnother(message.Next, isUpdate: kind == 'U');

    // A partition is announced along with the table that it is a part of, by whose name its changes come. A layout is told
    // once, also if it is that of changes that are skipped, and again when DDL has changed it.
    async ValueTask KnowAsync(CancellationToken cancellationToken)
    {
        var id = message.UInt32();
        var name = new TableName(message.Name(), message.Name());
        if (direction.Tables.FirstOrDefault(table => table.Name == name) is not { } table)
            return;
        message.Skip(1);
        var columns = new string[message.Int16()];
        for (var i = 0; i < columns.Length; i++)
        {
            await message.EnsureAsync(ColumnBytes, cancellationToken);
            message.Skip(1);
            columns[i] = message.Name();
            message.Skip(sizeof(uint) + sizeof(int));
        }
        if (direction.CopiedAfter(name) is { } shown)
            copied[id] = shown;
        if (StreamedRelation.Of(columns, table) is { } known)
            relations[id] = known;
        else if (!IsCopied(id))
            throw StreamedRelation.Unknown(columns, table, direction);
    }

    // Whoever may log in can write messages, with prefixes and texts of any length.
    async ValueTask HearAsync(CancellationToken cancellationToken)
    {
        message.Skip(1 + sizeof(ulong));
        switch (message.TryName())
        {
            case var prefix when prefix == ReplicationSlot.WatermarkPrefix:
                watermarks.Add(await message.TextAsync(message.Int32(), cancellationToken));
                break;
            // In the isolated database every row is the tenant's, whatever it refers to.
            case Reassignment.Prefix when !direction.IsReverse:
                var length = message.Int32();
                if (Reassignment.CanBe(length, secret))
                    Reassign(Reassignment.Read(await message.BytesAsync(length, cancellationToken), secret));
                break;
        }
    }

    // What came before DDL is in the table's copy already, and its rows may have another form.
    bool IsCopied(uint id) => copied.TryGetValue(id, out var shown) && shown.Shows(transaction);

    // The old row precedes the new one.
    async ValueTask ChangeAsync(char kind, StreamedRelation relation, CancellationToken cancellationToken)
    {
        var part = message.Kind();
        object?[]? old = null;
        if (part is 'K' or 'O')
        {
            old = await rows.ReadAsync(relation, cancellationToken);
            if (kind == 'D')
            {
                Delete(relation.Table, old);
                return;
            }
            await message.EnsureAsync(1, cancellationToken);
            part = message.Kind();
        }
        if (part != 'N')
            throw new FormatException("There is no new row.");
        var row = await rows.ReadAsync(relation, cancellationToken);
        if (kind == 'I')
            Insert(relation.Table, row);
        else
            Update(relation.Table, row, old);
    }

    void Truncate()
    {
        var count = message.Int32();
        message.Skip(1);
        for (var i = 0; i < count; i++)
            if (message.UInt32() is var id && !IsCopied(id))
                changes.Add(new(relations[id].Table, ChangeKind.Truncate, [], null));
    }

    // A row that is certainly another tenant's stays out.
    void Insert(StreamedTable table, object?[] row)
    {
        if (table.IsOurs(row) != false)
            changes.Add(new(table, ChangeKind.Insert, row, null));
    }

    void Update(StreamedTable table, object?[] row, object?[]? old)
    {
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
    void Delete(StreamedTable table, object?[] old)
    {
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
}
