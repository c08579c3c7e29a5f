using Npgsql;
using NpgsqlTypes;

namespace Migrator.Streaming;

/// <summary>What a statement does, as far as the order of statements depends on it.</summary>
public enum StatementKind
{
    /// <summary>Inserts a row, or makes the row of that key equal to it.</summary>
    Insert,

    /// <summary>Changes a row, but neither its key nor its tenant.</summary>
    Update,

    Delete,

    /// <summary>Anything else; such a statement keeps its place.</summary>
    Other,
}

/// <summary>A statement that writes rows of one table.</summary>
/// <param name="text">The statement's text for a number of rows.</param>
/// <param name="oneByOne">What it does with a row depends on rows that it may have written before.</param>
public sealed class RowStatement(StreamedTable table, StatementKind kind, Func<int, string> text, bool oneByOne = false)
{
    readonly Dictionary<int, string> texts = [];

    public StreamedTable Table => table;

    /// <summary>
    /// Whether rows can be batched without a visible difference. A multi-row UPDATE has no defined order, so it can hit
    /// another row's old unique value.
    /// </summary>
    /// <param name="state">Whether unique constraints besides the key are in force.</param>
    public bool IsBatchable(TargetState state) =>
        kind != StatementKind.Other
        && table.HasComparableKey
        && !oneByOne
        && !(kind == StatementKind.Update && state == TargetState.Consistent && table.Definition.HasOtherUnique);

    /// <summary>
    /// Whether this statement can run before an earlier one that writes rows of other keys: neither depends on the
    /// other.
    /// </summary>
    /// <param name="state">Whether unique constraints besides the key are in force.</param>
    public bool CommutesWith(RowStatement earlier, TargetState state)
    {
        var other = earlier.Table;
        if (kind == StatementKind.Other || earlier.Kind == StatementKind.Other)
            return false;
        if (table == other && !table.HasComparableKey)
            return false;
        // Another unique value may be taken until the earlier statement frees it. A row that is deleted earlier takes none.
        if (
            table == other
            && kind != StatementKind.Delete
            && state == TargetState.Consistent
            && table.Definition.HasOtherUnique
        )
            return false;
        // Insert or update a row after the rows it references and before they are deleted. Its own delete can run at
        // any time.
        if (
            table.RefersTo(other)
            && !(kind == StatementKind.Delete || (earlier.Kind == StatementKind.Update && other.IsReferredToByKey))
        )
            return false;
        // A referenced row may be inserted or updated early, but not deleted early.
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
                value is LargeValue large
                    ? new NpgsqlParameter { Value = large.Bytes, NpgsqlDbType = large.Type }
                    : new NpgsqlParameter { Value = value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Unknown }
            );
        return command;
    }
}

/// <summary>One row of a statement.</summary>
/// <param name="Key">The row's key before the write.</param>
/// <param name="Values">The statement's parameters for this row, as text or as a <see cref="LargeValue"/>.</param>
public sealed record RowWrite(RowStatement Statement, RowKey Key, object?[] Values);
