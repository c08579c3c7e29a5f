using Migrator.Messages;
using Npgsql;

namespace Migrator.Streaming;

/// <summary>
/// The forward stream's changes as writes of the isolated database. What a change does not tell (a large value that was
/// left out, a row that became the tenant's, and its children) stays pending until the source is asked.
/// </summary>
sealed class ForwardChanges
{
    readonly StreamDirection direction;
    readonly TargetState state;
    readonly DirtyKeys? touched;
    readonly PendingRows rows;
    readonly LooseReferences loose;

    /// <param name="snapshot">The source's snapshot to ask under; null to ask the source as it is now.</param>
    /// <param name="touched">Where to note the keys of changed rows.</param>
    public ForwardChanges(StreamDirection direction, TargetState state, string? snapshot, DirtyKeys? touched)
    {
        this.direction = direction;
        this.state = state;
        this.touched = touched;
        Writer = new(direction, touched);
        var fetcher = new RowFetcher(direction, Writer, state, snapshot, touched);
        rows = new(direction, Writer, fetcher, state);
        loose = new(direction, Writer, fetcher, rows, state, touched);
    }

    public ChangeWriter Writer { get; }

    /// <summary>Rows have to be fetched from the source before the target is where the stream is.</summary>
    public bool HasPending => rows.HasPending;

    /// <summary>Writes a batch, in a transaction that the caller commits.</summary>
    public Task ApplyAsync(ChangeBatch batch, CancellationToken cancellationToken) =>
        TranslateAsync(async () =>
        {
            if (batch.Changes.Count > 0)
            {
                if (!Writer.IsOpen)
                    await Writer.BeginAsync(cancellationToken);
                await WriteAsync(batch.Changes, cancellationToken);
            }
            if (!batch.EndsTransaction || !Writer.IsOpen)
                return;
            await rows.SettleReassignedAsync(cancellationToken);
            await loose.SettleAsync(cancellationToken);
        });

    /// <summary>Fetches what is pending.</summary>
    public Task RefetchAsync(CancellationToken cancellationToken) =>
        TranslateAsync(() => rows.RefetchAsync(cancellationToken));

    // The source took what the target does not: there is no such partition, another type, or a check that the source
    // has dropped.
    static async Task TranslateAsync(Func<Task> write)
    {
        try
        {
            await write();
        }
        catch (PostgresException e)
            when (e.SqlState is PostgresErrorCodes.CheckViolation or PostgresErrorCodes.NotNullViolation
                || e.SqlState.StartsWith("22", StringComparison.Ordinal)
            )
        {
            throw PromotionMessages.SchemaMoved(ServerErrors.Text(e));
        }
    }

    async Task WriteAsync(IReadOnlyList<Change> changes, CancellationToken cancellationToken)
    {
        await loose.NoteAsync(changes, cancellationToken);
        var writes = new WriteBatch(joins: true, state);
        foreach (var change in changes)
            Add(writes, change);
        foreach (var change in await writes.ExecuteAsync(Writer.Connection, cancellationToken))
            rows.Add(change.Table, change.Key);
    }

    void Add(WriteBatch writes, Change change)
    {
        var table = change.Table;
        if (change.Kind != ChangeKind.Truncate)
            touched?.Add(table, change.Key, change.Old);
        switch (change.Kind)
        {
            case ChangeKind.Insert:
                // One statement may insert a row of a tree before the row above it.
                writes.Add(
                    table.Insert(change.Row),
                    table.MayComeBeforeParent || table.Table.Tree is not null ? change : null
                );
                break;
            case ChangeKind.Update:
                AddUpdate(writes, change);
                break;
            case ChangeKind.Delete:
                writes.Add(table.Delete(change.Old!));
                break;
            case ChangeKind.Truncate:
                writes.Add(table.Empty());
                break;
            case ChangeKind.Move:
                rows.Reassign(table, change.Old!);
                break;
        }
    }

    void AddUpdate(WriteBatch writes, Change change)
    {
        var (table, row, old) = (change.Table, change.Row, change.Old);
        // A pending row stays pending when its key changes.
        if (old is not null)
            rows.Rename(table, old, change.Key);
        var inPlace = old is null || (state == TargetState.Consistent && table.KeyCanChange);
        // The row leaves when the transaction ends; until then the update counts.
        if (table.IsOurs(row) == false)
            writes.Add(table.Update(row, old));
        // A row that is not here is another tenant's, or was reassigned, and the guard's message says so.
        else if (table.Table.IsByReference && inPlace)
            writes.Add(
                table.Update(row, old),
                table.MayComeBeforeParent || rows.IsReassigned(table, change.Key) ? change : null
            );
        else if (old is null && change.IsComplete)
            writes.Add(table.Insert(row));
        else if (inPlace)
            writes.Add(table.Update(row, old), change);
        else
        {
            writes.Add(table.Delete(old!));
            if (change.IsComplete)
                writes.Add(table.Insert(row));
            else
                rows.Add(table, change.Key);
        }
    }
}
