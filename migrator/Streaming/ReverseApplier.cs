using Migrator.Connections;
using Migrator.Guarding;
using Migrator.Messages;
using Npgsql;

namespace Migrator.Streaming;

/// <summary>
/// Follows the reverse stream. In the shared database all constraints are in force and other tenants write: the
/// application's triggers are off while a batch is applied, what merged writes do not get past is written in order, and
/// a row that is not as expected ends the stream. Every change tells all, so nothing has to be fetched.
/// </summary>
sealed class ReverseApplier(StreamDirection direction, DirtyKeys? touched) : IChangeApplier
{
    readonly ChangeWriter writer = new(direction);
    readonly LockRetry locks = new(direction.Clock);
    readonly List<string> resumptions = [];
    readonly HashSet<StreamedTable> naming = [.. direction.Tables.Where(table => direction.NamesNobody(table).Any())];
    readonly Dictionary<StreamedTable, HashSet<RowKey>> written = [];

    public bool IsOpen => writer.IsOpen;

    public Task OpenAsync(CancellationToken cancellationToken) => writer.OpenAsync(cancellationToken);

    /// <exception cref="Model.MigratorException">
    /// A change collides with another tenant's row, or needs a row that the shared side lacks. A later change may have
    /// put that right, which a comparison of all rows finds out.
    /// </exception>
    public async Task ApplyAsync(ChangeBatch batch, CancellationToken cancellationToken)
    {
        try
        {
            if (await IsMergedAsync(batch, cancellationToken))
                return;
            if (await OneByOneAsync(batch, cancellationToken) is { } missing)
                throw StreamMessages.StreamDiverged(
                    direction.Tenant.Slug,
                    $"{missing.Table.Name} has no row {missing.Old ?? missing.Key} to change."
                );
        }
        catch (PostgresException e) when (ServerFailure.IsConstraintViolation(e))
        {
            throw StreamMessages.StreamDiverged(direction.Tenant.Slug, ServerErrors.Text(e) + ".", e);
        }
    }

    public ValueTask DisposeAsync() => writer.DisposeAsync();

    // Merged, writes hold the locks for a shorter time. A CHECK that reads other tables may need them in order, and a
    // statement of many rows, which the source checked at its end, may need deferred keys, which take a lock on both
    // tables. Both are rare: a batch is written so when it has failed otherwise.
    async Task<bool> IsMergedAsync(ChangeBatch batch, CancellationToken cancellationToken)
    {
        if (IsOpen || !batch.EndsTransaction)
            return false;
        try
        {
            if (await MissingAsync(batch, merges: true, cancellationToken) is null)
                return true;
        }
        catch (PostgresException e) when (ServerFailure.IsConstraintViolation(e)) { }
        await AbandonAsync();
        return false;
    }

    // What a foreign key misses may be a row that no stream brings home, such as a user whom the tenant has made since the
    // rollback began. Of a transaction that goes on, the beginning is not here to be repeated.
    async Task<Change?> OneByOneAsync(ChangeBatch batch, CancellationToken cancellationToken)
    {
        var isWhole = !IsOpen && batch.EndsTransaction;
        try
        {
            return await MissingAsync(batch, merges: false, cancellationToken);
        }
        catch (PostgresException e) when (isWhole && e.SqlState == PostgresErrorCodes.ForeignKeyViolation)
        {
            await AbandonAsync();
        }
        await direction.BringHomeAsync(batch.Changes, cancellationToken);
        return await MissingAsync(batch, merges: false, cancellationToken);
    }

    // Whom the tenant names without a foreign key, nothing refuses.
    async Task BringNamedAsync(CancellationToken cancellationToken)
    {
        foreach (var table in written.Keys)
        foreach (var keys in written[table].Chunk(RowFetcher.RowsPerBatch))
        {
            var nobody = string.Join(" OR ", direction.NamesNobody(table));
            var found = await writer.Connection.ExecuteScalarAsync<bool>(
                $"SELECT EXISTS (SELECT FROM {table.Definition.From} t WHERE {table.HasKey("t", keys)} AND ({nobody}))",
                cancellationToken
            );
            if (found)
            {
                await direction.BringHomeAsync([], cancellationToken);
                written.Clear();
                return;
            }
        }
        written.Clear();
    }

    // Applies a batch, and commits where it ends, unless a change finds no row.
    async Task<Change?> MissingAsync(ChangeBatch batch, bool merges, CancellationToken cancellationToken)
    {
        if (batch.Changes.Count > 0)
        {
            if (!IsOpen)
                await BeginAsync(batch, defersKeys: !merges, cancellationToken);
            if (await WriteAsync(batch.Changes, merges, cancellationToken) is { } missing)
                return missing;
        }
        if (batch.EndsTransaction && IsOpen)
            await CommitAsync(batch, cancellationToken);
        return null;
    }

    async Task CommitAsync(ChangeBatch batch, CancellationToken cancellationToken)
    {
        if (resumptions.Count > 0)
        {
            // Deferred events must run now: an ALTER TABLE refuses a table that has some pending.
            await writer.ExecuteAsync("SET CONSTRAINTS ALL IMMEDIATE", cancellationToken);
            foreach (var resumption in resumptions)
                await writer.ExecuteAsync(resumption, cancellationToken);
        }
        await writer.CommitAsync(batch.End, cancellationToken);
        resumptions.Clear();
        await BringNamedAsync(cancellationToken);
    }

    Task BeginAsync(ChangeBatch batch, bool defersKeys, CancellationToken cancellationToken)
    {
        // Of a transaction that goes on, the tables that are still to come are not known.
        var tables = (
            batch.EndsTransaction ? batch.Changes.Select(change => change.Table).Distinct() : direction.Tables
        )
            .Select(table => table.Name)
            .ToArray();
        return locks.RunAsync(
            async timeout =>
            {
                try
                {
                    await writer.BeginAsync(cancellationToken);
                    await writer.ExecuteAsync(
                        $"SET LOCAL lock_timeout = {(int)timeout.TotalMilliseconds}",
                        cancellationToken
                    );
                    if (
                        await TriggerDisabling.DisableAsync(writer.Connection, tables, cancellationToken) is
                        { } resumption
                    )
                        resumptions.Add(resumption);
                    if (defersKeys)
                        resumptions.AddRange(
                            await ConstraintDeferral.DeferKeysAsync(writer.Connection, tables, cancellationToken)
                        );
                    await StrangersKeys.RequireNoneAsync(writer.Connection, Written(batch), cancellationToken);
                }
                catch (PostgresException e) when (TableLock.IsRefused(e))
                {
                    await AbandonAsync();
                    throw;
                }
            },
            refused => StreamMessages.HomeIsLocked(direction.Tenant.Slug, refused),
            cancellationToken
        );
    }

    // What changes, and what of a row an update leaves alone. Of a transaction that goes on, the rest is not known.
    IEnumerable<WrittenTable> Written(ChangeBatch batch)
    {
        if (!batch.EndsTransaction)
            return direction.Tables.Select(table => new WrittenTable(table.Name));
        return from change in batch.Changes
            where change.Kind != ChangeKind.Insert
            let isUpdate = change.Kind == ChangeKind.Update && change.Old is null
            group isUpdate by change.Table into writes
            select new WrittenTable(writes.Key.Name, writes.All(isUpdate => isUpdate) ? writes.Key.Definition.Key : []);
    }

    async Task<Change?> WriteAsync(IReadOnlyList<Change> changes, bool merges, CancellationToken cancellationToken)
    {
        var writes = new WriteBatch(merges, TargetState.Consistent);
        foreach (var change in changes)
        {
            if (change.Kind != ChangeKind.Truncate)
                touched?.Add(change.Table, change.Key, change.Old);
            if (change.Kind is ChangeKind.Insert or ChangeKind.Update && naming.Contains(change.Table))
                Note(change);
            Add(writes, change);
        }
        return (await writes.ExecuteAsync(writer.Connection, cancellationToken)).FirstOrDefault();
    }

    void Note(Change change)
    {
        if (!written.TryGetValue(change.Table, out var keys))
            written.Add(change.Table, keys = []);
        keys.Add(change.Key);
    }

    static void Add(WriteBatch writes, Change change)
    {
        var table = change.Table;
        switch (change.Kind)
        {
            case ChangeKind.Insert:
                writes.Add(
                    table.Insert(change.Row),
                    table.MayComeBeforeParent && !table.MayBeOfEverybody ? change : null
                );
                break;
            case ChangeKind.Update:
                writes.Add(table.Update(change.Row, change.Old), table.MayBeOfEverybody ? null : change);
                break;
            case ChangeKind.Delete:
                writes.Add(table.Delete(change.Old!));
                break;
            case ChangeKind.Truncate:
                writes.Add(table.Empty());
                break;
        }
    }

    async Task AbandonAsync()
    {
        await writer.AbandonAsync();
        resumptions.Clear();
        written.Clear();
    }
}
