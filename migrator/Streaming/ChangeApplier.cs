using System.Data;
using Migrator.Connections;
using Migrator.Guarding;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Scope;
using Migrator.Terminal;
using Npgsql;
using NpgsqlTypes;

namespace Migrator.Streaming;

/// <summary>
/// Repeats changes on the other side, by key. What a change does not tell is asked of the source: a large value that it left out, a row that
/// has become the tenant's, and the rows that came with it.
/// </summary>
/// <param name="exact">
/// The target is the source at an earlier position, constraints and all. Otherwise it still holds rows of different moments, and a change may find
/// what a later one has already done.
/// </param>
/// <param name="snapshot">
/// The source's snapshot at the position where this ends. Then all is one transaction, and what has to be asked is asked at its end, of the snapshot: on
/// the way there a row as it will be could stand in the way of one as it was. Null to apply transaction by transaction, until something has to be asked.
/// </param>
public sealed class ChangeApplier(StreamDirection direction, bool exact, string? snapshot, DirtyKeys? touched)
    : IAsyncDisposable
{
    const int RowsPerBatch = 1_000;
    const int LockAttempts = 24;

    // A plan is made once, when there are no statistics yet and perhaps no rows: by key, whatever comes.
    const string PlanOptions = " -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c jit=off";

    readonly NpgsqlConnection target = new(
        new NpgsqlConnectionStringBuilder(direction.TargetServer.ConnectionString)
        {
            Pooling = false,
            MaxAutoPrepare = 500,
            AutoPrepareMinUsages = 2,
            Options = direction.TargetServer.Options + PlanOptions,
        }.ConnectionString
    );

    readonly HashSet<(StreamedTable Table, RowKey Key)> reassigned = [];
    readonly HashSet<(StreamedTable Table, RowKey Key)> pendingRefetch = [];
    readonly List<string> resumptions = [];
    NpgsqlTransaction? transaction;
    NpgsqlLogSequenceNumber appliedLsn;

    // Homeward nothing has to be asked: every change tells all.
    bool IsSingleTransaction => snapshot is not null && !direction.IsReverse;

    /// <summary>The source is about to stand still: what has to be asked waits for the next mark, when it does.</summary>
    public bool DefersRefetches { get; set; }

    /// <summary>What was applied is not committed yet.</summary>
    public bool IsOpen => transaction is not null;

    public Task OpenAsync(CancellationToken cancellationToken) => target.OpenAsync(cancellationToken);

    /// <summary>Applies a chunk; when it ends a transaction, commits it together with the position appliedLsn.</summary>
    /// <exception cref="Failure">A change cannot come home: it collides with another tenant's row, or needs one that the shared side lacks. A later one may have put that right.</exception>
    public async Task ApplyAsync(ChangeBatch chunk, CancellationToken cancellationToken)
    {
        try
        {
            var whole = transaction is null && chunk.EndsTransaction;
            try
            {
                await ApplyAsync(chunk, deferred: !whole, cancellationToken);
            }
            catch (PostgresException e)
                when (direction.IsReverse && whole && e.SqlState == PostgresErrorCodes.ForeignKeyViolation)
            {
                // A statement of many rows is checked at its end, and comes here row by row.
                await EndAsync();
                await ApplyAsync(chunk, deferred: true, cancellationToken);
            }
        }
        catch (PostgresException e) when (!direction.IsReverse && IsOfOtherSchema(e))
        {
            throw PromotionMessages.SchemaChanged(direction.Tenant.Slug, e.MessageText);
        }
        catch (PostgresException e) when (direction.IsReverse && e.SqlState.StartsWith("23", StringComparison.Ordinal))
        {
            throw StreamMessages.StreamDiverged(direction.Tenant.Slug, $"{e.MessageText}.", e);
        }
    }

    // What the source took and the target does not: no such partition, another type, a check that is no longer there.
    static bool IsOfOtherSchema(PostgresException e) =>
        e.SqlState is PostgresErrorCodes.CheckViolation or PostgresErrorCodes.NotNullViolation
        || e.SqlState.StartsWith("22", StringComparison.Ordinal);

    /// <summary>Commits what is one transaction to its end.</summary>
    /// <returns>The position appliedLsn; null when there was nothing to commit.</returns>
    public async Task<NpgsqlLogSequenceNumber?> CompleteAsync(CancellationToken cancellationToken)
    {
        if (transaction is null)
            return null;
        await CommitAsync(cancellationToken);
        return appliedLsn;
    }

    async Task ApplyAsync(ChangeBatch chunk, bool deferred, CancellationToken cancellationToken)
    {
        if (chunk.Changes.Count > 0)
        {
            if (transaction is null)
                await BeginAsync(chunk, deferred, cancellationToken);
            await ExecuteAsync(chunk.Changes, cancellationToken);
        }
        if (!chunk.EndsTransaction || transaction is null)
            return;
        if (reassigned.Count > 0)
            await RemoveReassignedAsync(cancellationToken);
        appliedLsn = chunk.End;
        if (IsSingleTransaction)
            return;
        // What the source says now may be ahead of where we are; where constraints are in force that could not be undone.
        if (pendingRefetch.Count > 0 && exact && !DefersRefetches)
            throw new ConsistentPointNeededException();
        if (pendingRefetch.Count == 0 || !exact || chunk.Watermarks.Count > 0)
            await CommitAsync(cancellationToken);
    }

    async Task CommitAsync(CancellationToken cancellationToken)
    {
        if (pendingRefetch.Count > 0)
            await RefetchAsync(cancellationToken);
        // Copied at a moment of its own, a row may have been left without the one that made it the tenant's.
        if (IsSingleTransaction && !exact)
            foreach (var table in direction.Tables.Reverse().Where(table => table.Table.Scope == TableScope.Derived))
                await RunAsync(
                    $"DELETE FROM {table.Definition.From} t WHERE ({direction.IsOurs(table)}) IS NOT TRUE",
                    cancellationToken
                );
        if (resumptions.Count > 0)
        {
            // Deferred events must run now: an ALTER TABLE refuses a table that has some pending.
            await RunAsync("SET CONSTRAINTS ALL IMMEDIATE", cancellationToken);
            foreach (var resumption in resumptions)
                await RunAsync(resumption, cancellationToken);
        }
        await StreamPosition.SaveAsync(target, direction.Promotion, appliedLsn, cancellationToken);
        await transaction!.CommitAsync(cancellationToken);
        await EndAsync();
    }

    async Task EndAsync()
    {
        if (transaction is not null)
            await transaction.DisposeAsync();
        transaction = null;
        resumptions.Clear();
    }

    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        await target.DisposeAsync();
    }

    async Task BeginAsync(ChangeBatch chunk, bool deferred, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
            try
            {
                transaction = await target.BeginTransactionAsync(cancellationToken);
                await direction.RequireCurrentRunAsync(target, cancellationToken);
                await RunAsync("SET CONSTRAINTS ALL DEFERRED", cancellationToken);
                if (!direction.IsReverse)
                    return;
                // The application's triggers in the shared database stay out of it.
                await RunAsync($"SET LOCAL lock_timeout = {LockTimeout(attempt)}", cancellationToken);
                var tables = (
                    chunk.EndsTransaction ? chunk.Changes.Select(change => change.Table).Distinct() : direction.Tables
                )
                    .Select(table => table.Name)
                    .ToArray();
                if (await TriggerDisabling.DisableAsync(target, tables, cancellationToken) is { } resumption)
                    resumptions.Add(resumption);
                if (deferred)
                    resumptions.AddRange(await ConstraintDeferral.DeferKeysAsync(target, tables, cancellationToken));
                return;
            }
            catch (PostgresException e) when (TableLock.IsRefused(e))
            {
                await EndAsync();
                if (attempt == LockAttempts)
                    throw StreamMessages.CannotFollowHome(direction.Tenant.Slug, e);
                await Task.Delay(LockTimeout(attempt), cancellationToken);
            }
    }

    // Milliseconds. Others queue behind whoever waits for a table: short tries with as much room in between, and longer ones when nothing else helps.
    static int LockTimeout(int attempt) => Math.Min(100 << (attempt / 4), 2_000);

    async Task ExecuteAsync(IReadOnlyList<Change> changes, CancellationToken cancellationToken)
    {
        // In the shared database keys are in force, and others write.
        var batch = new WriteBatch(joins: !direction.IsReverse, exact);
        foreach (var change in changes)
        {
            var table = change.Table;
            var (row, old) = (change.Row, change.Old);
            if (change.Kind != ChangeKind.Truncate)
                touched?.Add(table, row.Length > 0 ? table.KeyOf(row) : old!, old);
            // Under its new key it is as pendingRefetch as under the old one.
            if (row.Length > 0 && old is not null && pendingRefetch.Contains((table, old)))
                pendingRefetch.Add((table, table.KeyOf(row)));
            switch (change.Kind)
            {
                case ChangeKind.Insert:
                    batch.Add(table.Insert(row), table.MayComeBeforeParent ? change : null);
                    break;
                case ChangeKind.Delete:
                    batch.Add(table.Delete(old!));
                    break;
                case ChangeKind.Truncate:
                    batch.Add(table.Empty());
                    break;
                case ChangeKind.Move:
                    reassigned.Add((table, old!));
                    break;
                // Found where it is looked for, or the two sides have parted.
                case ChangeKind.Update when direction.IsReverse:
                    batch.Add(table.Update(row, old), change);
                    break;
                // On its way out; what it says counts until the transaction ends and the row goes.
                case ChangeKind.Update when table.IsOurs(row) == false:
                    batch.Add(table.Update(row, old));
                    break;
                // One that is not here is another tenant's, or it has reassigned, of which the guard tells.
                case ChangeKind.Update
                    when table.Table.Scope == TableScope.Derived && (old is null || (exact && table.KeyCanChange)):
                    batch.Add(
                        table.Update(row, old),
                        table.MayComeBeforeParent || reassigned.Contains((table, table.KeyOf(row))) ? change : null
                    );
                    break;
                case ChangeKind.Update when old is null && change.IsComplete:
                    batch.Add(table.Insert(row));
                    break;
                case ChangeKind.Update when old is null || (exact && table.KeyCanChange):
                    batch.Add(table.Update(row, old), change);
                    break;
                case ChangeKind.Update:
                    batch.Add(table.Delete(old!));
                    if (change.IsComplete)
                        batch.Add(table.Insert(row));
                    else
                        pendingRefetch.Add((table, table.KeyOf(row)));
                    break;
            }
        }

        foreach (var change in await batch.ExecuteAsync(target, cancellationToken))
            if (direction.IsReverse)
                throw StreamMessages.StreamDiverged(
                    direction.Tenant.Slug,
                    $"{change.Table.Name} has no row {change.Old ?? change.Table.KeyOf(change.Row)} to change."
                );
            else
                pendingRefetch.Add((change.Table, change.Table.KeyOf(change.Row)));
    }

    // Rows that say themselves that they are another tenant's now go, and what hangs on them before them. A row that is here and the tenant's is settled,
    // unless others may have come with it. Of all else the source knows more.
    async Task RemoveReassignedAsync(CancellationToken cancellationToken)
    {
        foreach (var table in direction.Tables.Reverse())
        foreach (var some in KeysOf(reassigned, table))
        {
            var (ours, left) = (new HashSet<RowKey>(), new List<RowKey>());
            await using (
                var command = new NpgsqlCommand(
                    $"SELECT ({direction.IsOurs(table)}) IS TRUE, {Sql.Identifiers("t", table.Definition.Key)} FROM {table.Definition.From} t WHERE {table.HasKey("t", some)}",
                    target
                )
                {
                    AllResultTypesAreUnknown = true,
                }
            )
            await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
                while (await reader.ReadAsync(cancellationToken))
                {
                    var key = new RowKey([.. Enumerable.Range(1, reader.FieldCount - 1).Select(reader.GetString)]);
                    if (reader.GetString(0) == "t")
                        ours.Add(key);
                    else
                        left.Add(key);
                }
            var hasCompany = direction.Tables.Any(other => other.LeadsTo(table, some) is not null);
            if (table.TenantPosition is not null && left.Count > 0)
                await RemoveAsync(table, left, cancellationToken);
            var unsettled = table.TenantPosition is not null
                ? hasCompany
                    ? some.Except(left)
                    : []
                // Among rows of different moments it may be here, and what hangs on it have been turned away.
                : some.Where(key => !ours.Contains(key) || (hasCompany && !exact));
            pendingRefetch.UnionWith(unsettled.Select(key => (table, key)));
        }
        reassigned.Clear();
    }

    async Task RemoveAsync(StreamedTable table, IReadOnlyList<RowKey> keys, CancellationToken cancellationToken)
    {
        foreach (var descendant in direction.Tables.Reverse())
            if (descendant.LeadsTo(table, keys) is { } leads)
                await RunAsync($"DELETE FROM {descendant.Definition.From} t WHERE {leads}", cancellationToken);
        await RunAsync($"DELETE FROM {table.Definition.From} t WHERE {table.HasKey("t", keys)}", cancellationToken);
    }

    // The source says whose the rows are: what is the tenant's and not here is fetched, parents first, with what hangs on it. A derived row that is not goes.
    async Task RefetchAsync(CancellationToken cancellationToken)
    {
        var leaving = new List<(StreamedTable Table, IReadOnlyList<RowKey> Keys)>();
        foreach (var table in direction.Tables)
        foreach (var some in KeysOf(pendingRefetch, table))
        {
            var found = new HashSet<RowKey>();
            await FetchAsync(table, table.HasKey("t", some), row => found.Add(table.KeyOf(row)), cancellationToken);
            if (found.Count > 0)
                foreach (var descendant in direction.Tables)
                    if (descendant.LeadsTo(table, found) is { } leads)
                        await FetchAsync(descendant, leads, _ => { }, cancellationToken);
            if (
                table.Table.Scope == TableScope.Derived
                && some.Where(key => !found.Contains(key)).ToArray() is { Length: > 0 } left
            )
                leaving.Add((table, left));
        }
        foreach (var (table, left) in Enumerable.Reverse(leaving))
            await RemoveAsync(table, left, cancellationToken);
        pendingRefetch.Clear();
    }

    static IEnumerable<RowKey[]> KeysOf(IEnumerable<(StreamedTable Table, RowKey Key)> keys, StreamedTable table) =>
        keys.Where(one => one.Table == table).Select(one => one.Key).Chunk(RowsPerBatch);

    async Task FetchAsync(
        StreamedTable table,
        string which,
        Action<object?[]> each,
        CancellationToken cancellationToken
    )
    {
        await using var source = await direction.Source.OpenConnectionAsync(cancellationToken);
        await using var reading = await source.BeginTransactionAsync(
            snapshot is null ? IsolationLevel.ReadCommitted : IsolationLevel.RepeatableRead,
            cancellationToken
        );
        if (snapshot is not null)
            await source.ExecuteAsync($"SET TRANSACTION SNAPSHOT {Sql.Literal(snapshot)}", cancellationToken);
        await using var command = new NpgsqlCommand(
            $"SELECT {Sql.Identifiers("t", table.Columns.Select(column => column.Name))} FROM {table.Definition.From} t WHERE {direction.IsOurs(table)} AND {which}",
            source
        )
        {
            AllResultTypesAreUnknown = true,
        };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var (batch, count) = (new WriteBatch(joins: true, exact), 0);
        while (await reader.ReadAsync(cancellationToken))
        {
            var row = new object?[table.Columns.Count];
            for (var i = 0; i < row.Length; i++)
                row[i] = reader.IsDBNull(i) ? null : reader.GetString(i);
            each(row);
            touched?.Add(table, table.KeyOf(row), null);
            batch.Add(table.InsertMissing(row));
            if (++count % RowsPerBatch != 0)
                continue;
            await batch.ExecuteAsync(target, cancellationToken);
            batch = new(joins: true, exact);
        }
        await batch.ExecuteAsync(target, cancellationToken);
    }

    Task RunAsync(string sql, CancellationToken cancellationToken) => target.ExecuteAsync(sql, cancellationToken);
}

/// <summary>Something has to be asked of the source as it was at one position: see <see cref="ExactPoint"/>.</summary>
public sealed class ConsistentPointNeededException : Exception;
