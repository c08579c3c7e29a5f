namespace Migrator.Streaming;

/// <summary>
/// References that a row need not keep, in the forward stream. When a row changes or is deleted, rows that named it may be
/// nobody's from then on, and no change of theirs says so; when a row comes, rows that were nobody's may be the tenant's.
/// </summary>
/// <param name="rows">Takes the rows that only the source can tell of.</param>
/// <param name="touched">Where to note the keys of those rows.</param>
sealed class LooseReferences(
    StreamDirection direction,
    ChangeWriter writer,
    RowFetcher fetcher,
    PendingRows rows,
    TargetState state,
    DirtyKeys? touched
)
{
    readonly (StreamedTable Child, StreamedTable Parent)[] pairs =
    [
        .. from child in direction.Tables
        from name in child.Table.LooseSteps.Select(step => step.To).Distinct()
        from parent in direction.Tables
        where parent.Name == name
        select (child, parent),
    ];

    readonly HashSet<(StreamedTable Table, RowKey Key)> doubtful = [];
    readonly HashSet<(StreamedTable Table, RowKey Key)> arrived = [];

    // Of those that arrived, the ones that were not there before, under that key.
    readonly HashSet<(StreamedTable Table, RowKey Key)> fresh = [];
    readonly HashSet<(StreamedTable Table, RowKey Key)> written = [];
    bool parentsLeft;

    /// <summary>To be called before changes are written, while the rows that will be nobody's still name something.</summary>
    public async Task NoteAsync(IReadOnlyList<Change> changes, CancellationToken cancellationToken)
    {
        foreach (var group in pairs.GroupBy(pair => pair.Parent, pair => pair.Child))
        {
            var leaving = new HashSet<RowKey>();
            foreach (var change in changes.Where(change => change.Table == group.Key))
            {
                // Of a tree the guard tells which rows have moved, and what hangs on them is fetched, or removed, with them.
                if (change is { Kind: ChangeKind.Update, Old: null } && group.Key.Table.Tree is not null)
                    continue;
                if (change.Kind is ChangeKind.Update or ChangeKind.Delete)
                    leaving.Add(change.Old ?? change.Key);
                if (change.Kind is ChangeKind.Update or ChangeKind.Insert)
                    arrived.Add((change.Table, change.Key));
                if (change is { Kind: ChangeKind.Insert } or { Kind: ChangeKind.Update, Old: not null })
                    fresh.Add((change.Table, change.Key));
            }
            parentsLeft |= leaving.Count > 0;
            foreach (var keys in leaving.Chunk(RowFetcher.RowsPerBatch))
            foreach (var child in group)
            foreach (
                var key in await RowFetcher.KeysAsync(
                    writer.Connection,
                    child,
                    child.LeadsTo(group.Key, keys)!,
                    cancellationToken
                )
            )
                doubtful.Add((child, key));
        }
        foreach (var child in pairs.Select(pair => pair.Child).Distinct())
        foreach (var change in changes.Where(change => change.Table == child))
            if (change.Kind is ChangeKind.Insert or ChangeKind.Update)
                written.Add((child, change.Key));
    }

    /// <summary>To be called when a transaction of the source has been written.</summary>
    public async Task SettleAsync(CancellationToken cancellationToken)
    {
        // A row may have come and lost its parent in the same transaction.
        if (parentsLeft)
            doubtful.UnionWith(written);
        foreach (var (child, keys) in Chunks(doubtful))
            Add(
                child,
                await RowFetcher.KeysAsync(
                    writer.Connection,
                    child,
                    $"{child.HasKey("t", keys)} AND ({direction.IsOurs(child)}) IS NOT TRUE",
                    cancellationToken
                )
            );
        foreach (var (child, here) in await BelowAsync(arrived, cancellationToken))
        foreach (var keys in here.Chunk(RowFetcher.RowsPerBatch))
            Add(
                child,
                keys.Except(
                    await RowFetcher.KeysAsync(writer.Connection, child, child.HasKey("t", keys), cancellationToken)
                )
            );
        // Before the copy is consistent, a row may be here without its children: those were copied before the parent came.
        if (state == TargetState.Mixed)
            foreach (var (child, here) in await BelowAsync(fresh, cancellationToken))
                if (direction.Tables.Any(other => other.LeadsTo(child, here) is not null))
                    Add(child, here);
        doubtful.Clear();
        arrived.Clear();
        fresh.Clear();
        written.Clear();
        parentsLeft = false;
    }

    // The source's rows that name one of these.
    async Task<IReadOnlyList<(StreamedTable Child, IReadOnlyList<RowKey> Here)>> BelowAsync(
        IEnumerable<(StreamedTable Table, RowKey Key)> parents,
        CancellationToken cancellationToken
    )
    {
        var below = new List<(StreamedTable, IReadOnlyList<RowKey>)>();
        foreach (var (parent, keys) in Chunks(parents))
        foreach (var child in pairs.Where(pair => pair.Parent == parent).Select(pair => pair.Child))
            if (await fetcher.KeysAsync(child, child.LeadsTo(parent, keys)!, cancellationToken) is { Count: > 0 } here)
                below.Add((child, here));
        return below;
    }

    static IEnumerable<(StreamedTable, RowKey[])> Chunks(IEnumerable<(StreamedTable Table, RowKey Key)> rows) =>
        from table in rows.GroupBy(row => row.Table, row => row.Key)
        from keys in table.Chunk(RowFetcher.RowsPerBatch)
        select (table.Key, keys);

    void Add(StreamedTable table, IEnumerable<RowKey> keys)
    {
        foreach (var key in keys)
        {
            rows.Add(table, key);
            touched?.Add(table, key, null);
        }
    }
}
