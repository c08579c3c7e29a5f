using System.Collections.Concurrent;

namespace Migrator.Streaming;

/// <summary>
/// The keys of the rows that changes have touched since the last comparison, and that must be compared again.
/// </summary>
public sealed class DirtyKeys
{
    readonly ConcurrentDictionary<StreamedTable, ConcurrentDictionary<RowKey, bool>> keys = new();

    public int Count => keys.Values.Sum(table => table.Count);

    public IEnumerable<(StreamedTable Table, IReadOnlyList<RowKey> Keys)> All =>
        keys.Select(pair => (pair.Key, (IReadOnlyList<RowKey>)[.. pair.Value.Keys]));

    public void Add(StreamedTable table, RowKey key, RowKey? old)
    {
        var set = keys.GetOrAdd(table, _ => new());
        set[key] = true;
        if (old is not null)
            set[old] = true;
    }

    public void Clear() => keys.Clear();
}
