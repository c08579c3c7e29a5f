using NpgsqlTypes;

namespace Migrator.Streaming;

/// <summary>What happened to a row, or to a table.</summary>
public enum ChangeKind
{
    Insert,
    Update,
    Delete,
    Truncate,

    /// <summary>It became the tenant's, or is no longer: the guard's word, since the change itself does not tell.</summary>
    Move,
}

/// <summary>One change.</summary>
/// <param name="Row">The new row, by <see cref="StreamedTable.Columns"/>: text, null, or <see cref="Unchanged"/>; empty where there is none.</param>
/// <param name="Old">The key before, where it is another or the only thing known.</param>
public sealed record Change(StreamedTable Table, ChangeKind Kind, object?[] Row, RowKey? Old)
{
    /// <summary>A large value that the change left alone, and the stream therefore left out.</summary>
    public static readonly object Unchanged = new();

    public bool IsComplete => Array.IndexOf(Row, Unchanged) < 0;
}

/// <summary>Changes in the order of their commits; at most a few thousand, so that a transaction of any size passes in bounded memory.</summary>
/// <param name="EndsTransaction">The last of them ends its transaction: here, and only here, the other side may commit.</param>
/// <param name="End">The position after that transaction.</param>
/// <param name="Marks">Watermarks that were met.</param>
public sealed record ChangeBatch(
    IReadOnlyList<Change> Changes,
    bool EndsTransaction,
    NpgsqlLogSequenceNumber End,
    IReadOnlyList<string> Watermarks
)
{
    /// <summary>This chunk and the next as one, where both end their transactions.</summary>
    public ChangeBatch And(ChangeBatch next) =>
        next with
        {
            Changes = [.. Changes, .. next.Changes],
            Watermarks = [.. Watermarks, .. next.Watermarks],
        };
}
