using Migrator.Model;
using Npgsql;

namespace Migrator.Streaming;

/// <summary>The rows of the forward stream of which only the source knows what they are now, and whose.</summary>
sealed class PendingRows(StreamDirection direction, ChangeWriter writer, RowFetcher fetcher, TargetState state)
{
    readonly HashSet<(StreamedTable Table, RowKey Key)> reassigned = [];
    readonly HashSet<(StreamedTable Table, RowKey Key)> pending = [];

    public bool HasPending => pending.Count > 0;

    /// <summary>A row to fetch from the source.</summary>
    public void Add(StreamedTable table, RowKey key) => pending.Add((table, key));

    /// <summary>
    /// A row's key has changed: whoever was pending under the old key is pending under the new one as well.
    /// </summary>
    public void Rename(StreamedTable table, RowKey old, RowKey key)
    {
        if (pending.Contains((table, old)))
            pending.Add((table, key));
    }

    /// <summary>A row became the tenant's in this transaction, or another tenant's.</summary>
    public void Reassign(StreamedTable table, RowKey key) => reassigned.Add((table, key));

    public bool IsReassigned(StreamedTable table, RowKey key) => reassigned.Contains((table, key));

    /// <summary>
    /// Deletes reassigned rows that now name another tenant, children first. A row that is here and still ours needs
    /// nothing, unless child rows may have moved with it. Everything else is pending.
    /// </summary>
    public async Task SettleReassignedAsync(CancellationToken cancellationToken)
    {
        if (reassigned.Count == 0)
            return;
        foreach (var table in direction.Tables.Reverse())
        foreach (var keys in KeysOf(reassigned, table))
            await SettleAsync(table, keys, cancellationToken);
        reassigned.Clear();
    }

    async Task SettleAsync(StreamedTable table, RowKey[] keys, CancellationToken cancellationToken)
    {
        var (ours, left) = await OwnersAsync(table, keys, cancellationToken);
        var mayHaveChildren = direction.Tables.Any(other => other.LeadsTo(table, keys) is not null);
        IEnumerable<RowKey> unsettled;
        if (table.TenantPosition is not null)
        {
            if (left.Count > 0)
                await RemoveAsync(table, left, cancellationToken);
            unsettled = mayHaveChildren ? keys.Except(left) : [];
        }
        // Before the copy is consistent, the row may be present while its children were rejected.
        else
            unsettled = keys.Where(key => !ours.Contains(key) || (mayHaveChildren && state == TargetState.Mixed));
        foreach (var key in unsettled)
            Add(table, key);
    }

    // Which of the rows are here and the tenant's, and which are here and another's.
    async Task<(HashSet<RowKey> Ours, List<RowKey> Left)> OwnersAsync(
        StreamedTable table,
        RowKey[] keys,
        CancellationToken cancellationToken
    )
    {
        var (ours, left) = (new HashSet<RowKey>(), new List<RowKey>());
        await using var command = new NpgsqlCommand(
            $"""
            SELECT ({direction.IsOurs(table)}) IS TRUE, {Sql.Identifiers("t", table.Definition.Key)}
            FROM {table.Definition.From} t WHERE {table.HasKey("t", keys)}
            """,
            writer.Connection
        )
        {
            AllResultTypesAreUnknown = true,
        };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var key = new RowKey([.. Enumerable.Range(1, reader.FieldCount - 1).Select(reader.GetString)]);
            if (reader.GetString(0) == "t")
                ours.Add(key);
            else
                left.Add(key);
        }
        return (ours, left);
    }

    /// <summary>
    /// Asks the source whose the pending rows are. The tenant's rows that are not here are fetched, parents first, with
    /// their children. Derived rows that are not the tenant's are deleted.
    /// </summary>
    public async Task RefetchAsync(CancellationToken cancellationToken)
    {
        var leaving = new List<(StreamedTable Table, RowKey[] Keys)>();
        foreach (var table in direction.Tables)
        foreach (var keys in KeysOf(pending, table))
        {
            var found = await FetchAsync(table, keys, cancellationToken);
            if (table.Table.IsByReference)
                leaving.Add((table, [.. keys.Where(key => !found.Contains(key))]));
        }
        foreach (var (table, keys) in Enumerable.Reverse(leaving).Where(one => one.Keys.Length > 0))
            await RemoveAsync(table, keys, cancellationToken);
        pending.Clear();
    }

    async Task<HashSet<RowKey>> FetchAsync(StreamedTable table, RowKey[] keys, CancellationToken cancellationToken)
    {
        var found = new HashSet<RowKey>();
        await fetcher.FetchAsync(table, table.HasKey("t", keys), key => found.Add(key), cancellationToken);
        if (found.Count > 0)
            foreach (var descendant in direction.Tables)
                if (descendant.LeadsTo(table, found) is { } leads)
                    await fetcher.FetchAsync(descendant, leads, _ => { }, cancellationToken);
        return found;
    }

    async Task RemoveAsync(StreamedTable table, IReadOnlyList<RowKey> keys, CancellationToken cancellationToken)
    {
        // A row that is the tenant's by another reference as well stays. These are looked for while what leads to them is here.
        var doubtful = new List<(StreamedTable Table, RowKey Key)>();
        foreach (var descendant in direction.Tables.Where(descendant => descendant.HasAlternatives))
            if (descendant.LeadsTo(table, keys) is { } leads)
                doubtful.AddRange(
                    from key in await RowFetcher.KeysAsync(writer.Connection, descendant, leads, cancellationToken)
                    select (descendant, key)
                );
        foreach (var descendant in direction.Tables.Reverse().Where(descendant => !descendant.HasAlternatives))
            if (descendant.LeadsTo(table, keys) is { } leads)
                await writer.ExecuteAsync(
                    $"DELETE FROM {descendant.Definition.From} t WHERE {leads}",
                    cancellationToken
                );
        await writer.ExecuteAsync(
            $"DELETE FROM {table.Definition.From} t WHERE {table.HasKey("t", keys)}",
            cancellationToken
        );
        foreach (var descendant in direction.Tables)
        foreach (var chunk in KeysOf(doubtful, descendant))
            await writer.ExecuteAsync(
                $"DELETE FROM {descendant.Definition.From} t "
                    + $"WHERE {descendant.HasKey("t", chunk)} AND ({direction.IsOurs(descendant)}) IS NOT TRUE",
                cancellationToken
            );
    }

    static IEnumerable<RowKey[]> KeysOf(IEnumerable<(StreamedTable Table, RowKey Key)> rows, StreamedTable table) =>
        rows.Where(row => row.Table == table).Select(row => row.Key).Chunk(RowFetcher.RowsPerBatch);
}
