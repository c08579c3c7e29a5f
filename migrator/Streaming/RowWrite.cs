using Npgsql;
using NpgsqlTypes;

namespace Migrator.Streaming;

/// <summary>What a statement does, as far as others have to care.</summary>
public enum StatementKind
{
    /// <summary>Inserts a row, or makes the one that is there equal to it.</summary>
    Insert,

    /// <summary>Changes a row, but neither its key nor whose it is.</summary>
    Update,

    Delete,

    /// <summary>Anything else: its place is where it stands.</summary>
    Other,
}

/// <summary>A statement that writes rows of one table.</summary>
/// <param name="text">Its text for so many rows.</param>
public sealed class RowStatement(StreamedTable table, StatementKind kind, Func<int, string> text)
{
    readonly Dictionary<int, string> texts = [];

    public StreamedTable Table => table;

    /// <summary>One statement may write many rows, and nobody could tell. An update of many rows writes them in any order, and another's unique value is in its way until that one has gone.</summary>
    /// <param name="exact">Unique values besides the key are in force.</param>
    public bool IsBatchable(bool exact) =>
        kind != StatementKind.Other
        && table.HasComparableKey
        && !(kind == StatementKind.Update && exact && table.Definition.HasOtherUnique);

    /// <summary>Whether this may be done before another statement that comes earlier and writes rows of other keys: neither depends on the other.</summary>
    /// <param name="exact">Unique values besides the key are in force.</param>
    public bool CommutesWith(RowStatement earlier, bool exact)
    {
        var other = earlier.Table;
        if (kind == StatementKind.Other || earlier.Kind == StatementKind.Other)
            return false;
        if (table == other && (!table.HasComparableKey || (exact && table.Definition.HasOtherUnique)))
            return false;
        // A row comes after those that it refers to, and before they go; its own end waits for nobody.
        if (
            table.RefersTo(other)
            && !(kind == StatementKind.Delete || (earlier.Kind == StatementKind.Update && other.IsReferredToByKey))
        )
            return false;
        // Whom others refer to may come or change early, but not go.
        return !other.RefersTo(table) || (kind != StatementKind.Delete && table.IsReferredToByKey);
    }

    StatementKind Kind => kind;

    public NpgsqlBatchCommand Command(ReadOnlySpan<RowWrite> writes)
    {
        if (!texts.TryGetValue(writes.Length, out var sql))
            texts.Add(writes.Length, sql = text(writes.Length));
        var command = new NpgsqlBatchCommand(sql);
        foreach (var write in writes)
        foreach (var value in write.Values)
            command.Parameters.Add(
                new NpgsqlParameter { Value = value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Unknown }
            );
        return command;
    }
}

/// <summary>What a statement is to do for one row.</summary>
/// <param name="Key">The row's key, before.</param>
/// <param name="Values">What the statement is given, as text.</param>
public sealed record RowWrite(RowStatement Statement, RowKey Key, object?[] Values);
