using NpgsqlTypes;

namespace Migrator.Streaming;

/// <summary>What happened to a row, or to a table.</summary>
public enum ChangeKind
{
    Insert,
    Update,
    Delete,
    Truncate,

    /// <summary>
    /// The row became the tenant's, or another tenant's. The change itself does not tell; the guard writes a message.
    /// </summary>
    Move,
}

/// <summary>One change.</summary>
/// <param name="Row">
/// The new row, by <see cref="StreamedTable.Columns"/>: text, null, a <see cref="LargeValue"/>, or <see cref="Unchanged"/>;
/// empty where there is none.
/// </param>
/// <param name="Old">The row's key before, where the key has changed or nothing else is known.</param>
public sealed record Change(StreamedTable Table, ChangeKind Kind, object?[] Row, RowKey? Old)
{
    /// <summary>A large value that the change left alone, and that the stream therefore left out.</summary>
    public static readonly object Unchanged = new();

    public bool IsComplete => Array.IndexOf(Row, Unchanged) < 0;

    /// <summary>The row's key after the change; for a row that is gone, its last one.</summary>
    public RowKey Key => Row.Length > 0 ? Table.KeyOf(Row) : Old!;

    /// <summary>The text of a column's new value; null where the change does not tell, or tells null.</summary>
    public string? TextOf(string column)
    {
        for (var i = 0; i < Row.Length; i++)
            if (Table.Columns[i].Name == column)
                return Row[i] as string;
        return null;
    }
}

/// <summary>
/// Changes in the order of their commits; at most a few thousand, so that a transaction of any size passes in bounded
/// memory.
/// </summary>
/// <param name="EndsTransaction">The last of them ends its transaction: only here may the target commit.</param>
/// <param name="End">The position after that transaction.</param>
/// <param name="Watermarks">The watermarks that were read.</param>
/// <param name="Size">How many bytes the rows had in the stream.</param>
public sealed record ChangeBatch(
    IReadOnlyList<Change> Changes,
    bool EndsTransaction,
    NpgsqlLogSequenceNumber End,
    IReadOnlyList<string> Watermarks,
    long Size
)
{
    /// <summary>This batch and the next as one, where both end their transactions.</summary>
    public ChangeBatch Concat(ChangeBatch next) =>
        next with
        {
            Changes = [.. Changes, .. next.Changes],
            Watermarks = [.. Watermarks, .. next.Watermarks],
            Size = Size + next.Size,
        };
}
