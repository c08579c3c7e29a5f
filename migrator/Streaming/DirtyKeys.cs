using System.Collections.Concurrent;

namespace Migrator.Streaming;

/// <summary>
/// The keys of the rows that changes have touched since the last comparison, and that must be compared again.
/// </summary>
public class DirtyKeys
{
    readonly ConcurrentDictionary<StreamedTable, ConcurrentDictionary<RowKey, bool>> keys = new();

    public int Count => keys.Values.Sum(table => table.Count);

    public IEnumerable<(StreamedTable Table, IReadOnlyList<RowKey> Keys)> All =>
        keys.Select(pair => (pair.Key, (IReadOnlyList<RowKey>)[.. pair.Value.Keys]));

    public void Add(StreamedTable table, RowKey key, RowKey? old)
    {
        Note(table, key);
        if (old is not null)
            Note(table, old);
    }

    public void Clear() => keys.Clear();

    /// <returns>Whether the key has not been noted before.</returns>
    protected virtual bool Note(StreamedTable table, RowKey key) => keys.GetOrAdd(table, _ => new()).TryAdd(key, true);
}
