using System.Data;
using Dapper;
using Migrator.Console;
using Migrator.Guarding;
using Migrator.Model;
using Migrator.Scope;
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
/// <param name="snapshot">The source's snapshot to ask under; null to ask it as it is now.</param>
/// <param name="untilPoint">What is asked is as it will be at the end of the stream, and no later.</param>
public sealed class ChangeApplier(StreamDirection direction, bool exact, string? snapshot, bool untilPoint, TouchedKeys? touched) : IAsyncDisposable
{
    const int RowsPerBatch = 1_000;
    const int LockAttempts = 12;

    readonly NpgsqlConnection target = new(new NpgsqlConnectionStringBuilder(direction.TargetServer.ConnectionString)
    {
        Pooling = false,
        MaxAutoPrepare = 500,
        AutoPrepareMinUsages = 2,
    }.ConnectionString);

    // Up to a point all is one transaction: what is asked there belongs beside no earlier state. In the shared database it would keep others waiting.
    readonly bool whole = untilPoint && !direction.IsHomebound;

    // Newer than the stream, what is asked now breaks constraints, or is in the way of what the stream does later.
    readonly bool mayAsk = untilPoint || !exact || direction.IsHomebound;

    readonly List<(StreamedTable Table, RowKey Key)> moved = [];
    readonly HashSet<(StreamedTable Table, RowKey Key)> arrivals = [];
    readonly List<string> resumptions = [];
    NpgsqlTransaction? transaction;

    public Task OpenAsync(CancellationToken cancel) => target.OpenAsync(cancel);

    /// <summary>Applies a chunk; when it ends a transaction, commits it together with the position reached.</summary>
    /// <exception cref="RowsMovedException">Rows have moved between tenants: this takes a point.</exception>
    /// <exception cref="Failure">A change cannot come home: it collides with another tenant's row, or needs one that the shared side lacks. A later one may have put that right.</exception>
    public async Task ApplyAsync(Chunk chunk, CancellationToken cancel)
    {
        try
        {
            var whole = transaction is null && chunk.EndsTransaction;
            try
            {
                await ApplyAsync(chunk, deferred: !whole, cancel);
            }
            catch (PostgresException e) when (direction.IsHomebound && whole && e.SqlState == PostgresErrorCodes.ForeignKeyViolation)
            {
                // A statement of many rows is checked at its end, and comes here row by row.
                await EndAsync();
                await ApplyAsync(chunk, deferred: true, cancel);
            }
        }
        catch (PostgresException e) when (!direction.IsHomebound && IsOfOtherSchema(e))
        {
            throw Sentences.SchemaChanged(direction.Tenant.Slug, e.MessageText);
        }
        catch (PostgresException e) when (direction.IsHomebound && e.SqlState.StartsWith("23", StringComparison.Ordinal))
        {
            throw Sentences.StreamDiverged(direction.Tenant.Slug, $"{e.MessageText}.", e);
        }
    }

    // What the source took and the target does not: no such partition, another type, a check that is no longer there.
    static bool IsOfOtherSchema(PostgresException e) =>
        e.SqlState is PostgresErrorCodes.CheckViolation or PostgresErrorCodes.NotNullViolation || e.SqlState.StartsWith("22", StringComparison.Ordinal);

    async Task ApplyAsync(Chunk chunk, bool deferred, CancellationToken cancel)
    {
        if (chunk.Changes.Count > 0)
        {
            if (transaction is null) await BeginAsync(chunk, deferred, cancel);
            await ExecuteAsync(chunk.Changes, cancel);
        }
        if (!chunk.EndsTransaction || transaction is null) return;
        if (moved.Count > 0) await SettleAsync(cancel);
        if (!whole) await CommitAsync(chunk.End, cancel);
    }

    /// <summary>The exact point is reached: fetches what has arrived until then, and commits.</summary>
    /// <param name="end">The position after the last transaction before the point.</param>
    public async Task CompleteAsync(NpgsqlLogSequenceNumber end, CancellationToken cancel)
    {
        if (!whole || transaction is null) return;
        await AskAsync(arrivals, (table, arrived, left) => SettleAsync(table, arrived, left, cancel), cancel);
        arrivals.Clear();
        // Copied at a moment of its own, a row may have been left without the one that made it the tenant's.
        if (!exact)
            foreach (var table in direction.Tables.Where(table => table.Table.Belonging == Belonging.Derived))
                await RunAsync($"DELETE FROM {table.Definition.From} t WHERE ({direction.IsOurs(table)}) IS NOT TRUE", cancel);
        await CommitAsync(end, cancel);
    }

    async Task CommitAsync(NpgsqlLogSequenceNumber end, CancellationToken cancel)
    {
        if (resumptions.Count > 0)
        {
            // Deferred events must run now: an ALTER TABLE refuses a table that has some pending.
            await RunAsync("SET CONSTRAINTS ALL IMMEDIATE", cancel);
            foreach (var resumption in resumptions) await RunAsync(resumption, cancel);
        }
        await target.ExecuteAsync(new CommandDefinition(
            "INSERT INTO tenant_promotion.position VALUES (@Promotion, CAST(@lsn AS pg_lsn)) ON CONFLICT (promotion_id) DO UPDATE SET lsn = excluded.lsn",
            new { direction.Promotion, lsn = end.ToString() }, cancellationToken: cancel));
        await transaction!.CommitAsync(cancel);
        await EndAsync();
    }

    async Task EndAsync()
    {
        if (transaction is not null) await transaction.DisposeAsync();
        transaction = null;
        resumptions.Clear();
    }

    public async ValueTask DisposeAsync()
    {
        if (transaction is not null) await transaction.DisposeAsync();
        await target.DisposeAsync();
    }

    async Task BeginAsync(Chunk chunk, bool deferred, CancellationToken cancel)
    {
        for (var attempt = 1; ; attempt++)
            try
            {
                transaction = await target.BeginTransactionAsync(cancel);
                await direction.HoldAsync(target, cancel);
                await RunAsync("SET CONSTRAINTS ALL DEFERRED", cancel);
                if (!direction.IsHomebound) return;
                // The application's triggers in the shared database stay out of it. Others wait for the table meanwhile: never behind us for long.
                await RunAsync("SET LOCAL lock_timeout = '500ms'", cancel);
                var tables = chunk.EndsTransaction ? chunk.Changes.Select(change => change.Table).Distinct().ToArray() : direction.Tables;
                foreach (var table in tables)
                    if (await TriggerSuspension.SuspendAsync(target, table.Name, cancel) is { } resumption) resumptions.Add(resumption);
                if (deferred) resumptions.AddRange(await Suspension.DeferKeysAsync(target, tables.Select(table => table.Name), cancel));
                return;
            }
            catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected && attempt < LockAttempts)
            {
                await EndAsync();
                await Task.Delay(TimeSpan.FromMilliseconds(50 * attempt), cancel);
            }
    }

    async Task ExecuteAsync(IReadOnlyList<Change> changes, CancellationToken cancel)
    {
        await using var batch = new NpgsqlBatch(target);
        // What is to be done about a command that found no row.
        var whenNone = new List<Change?>();
        var unknown = new HashSet<(StreamedTable Table, RowKey Key)>();
        void Do(NpgsqlBatchCommand? command, Change? otherwise = null)
        {
            if (command is null) return;
            batch.BatchCommands.Add(command);
            whenNone.Add(otherwise);
        }

        foreach (var change in changes)
        {
            var table = change.Table;
            var (row, old) = (change.Row, change.Old);
            if (change.Kind != ChangeKind.Truncate) touched?.Add(table, row.Length > 0 ? table.KeyOf(row) : old!, old);
            switch (change.Kind)
            {
                case ChangeKind.Insert:
                    Do(table.Insert(row), table.MayComeBeforeParent ? change : null);
                    break;
                case ChangeKind.Delete:
                    Do(table.Delete(old!));
                    break;
                case ChangeKind.Truncate:
                    Do(new($"DELETE FROM {table.Definition.From} t WHERE {table.OursInTarget}"));
                    break;
                case ChangeKind.Move:
                    moved.Add((table, old!));
                    break;
                // Found where it is looked for, or the two sides have parted.
                case ChangeKind.Update when direction.IsHomebound:
                    Do(table.Update(row, old), change);
                    break;
                // On its way out; what it says counts until the transaction ends and the row goes.
                case ChangeKind.Update when table.IsOurs(row) == false:
                    Do(table.Update(row, old));
                    break;
                case ChangeKind.Update when old is null:
                    if (change.IsComplete) Do(table.Insert(row), table.MayComeBeforeParent ? change : null);
                    else Do(table.Update(row, null), change);
                    break;
                case ChangeKind.Update when exact && table.KeyCanChange:
                    Do(table.Update(row, old), change);
                    break;
                case ChangeKind.Update:
                    Do(table.Delete(old!));
                    if (change.IsComplete) Do(table.Insert(row));
                    else unknown.Add((table, table.KeyOf(row)));
                    break;
            }
        }

        if (batch.BatchCommands.Count > 0) await batch.ExecuteNonQueryAsync(cancel);
        for (var i = 0; i < whenNone.Count; i++)
            if (whenNone[i] is { } change && batch.BatchCommands[i].RecordsAffected == 0)
                if (direction.IsHomebound) throw Sentences.StreamDiverged(direction.Tenant.Slug, $"{change.Table.Name} has no row {change.Old ?? change.Table.KeyOf(change.Row)} to change.");
                else unknown.Add((change.Table, change.Table.KeyOf(change.Row)));
        if (unknown.Count > 0 && !mayAsk) throw new RowsMovedException();
        if (whole) arrivals.UnionWith(unknown);
        else if (unknown.Count > 0) await AskAsync(unknown, (_, _, _) => Task.CompletedTask, cancel);
    }

    // The rows that moved, parents first; what came with them is fetched, what leaves with them goes before them.
    async Task SettleAsync(CancellationToken cancel)
    {
        if (!mayAsk) throw new RowsMovedException();
        var keys = moved.ToHashSet();
        moved.Clear();
        if (whole)
        {
            // Who has left by then leaves at once, and is in nobody's way.
            foreach (var (table, _, left) in Enumerable.Reverse(await AskAsync(keys, fetch: false, cancel))) await SettleAsync(table, [], left, cancel);
            // And who will have come back by then has left all the same: parents first, for they tell of whom the others are.
            foreach (var table in direction.Tables)
                foreach (var some in keys.Where(one => one.Table == table).Select(one => one.Key).Chunk(RowsPerBatch))
                    await SettleAsync(table, [], await NotOursAsync(table, some, cancel), cancel);
            arrivals.UnionWith(keys);
            return;
        }
        await AskAsync(keys, (table, arrived, left) => SettleAsync(table, arrived, left, cancel), cancel);
    }

    async Task SettleAsync(StreamedTable table, IReadOnlyList<RowKey> arrived, IReadOnlyList<RowKey> left, CancellationToken cancel)
    {
        if (arrived.Count > 0)
            foreach (var descendant in direction.Tables)
                if (descendant.LeadsTo(table, arrived) is { } leads)
                {
                    var came = new List<RowKey>();
                    await FetchAsync(descendant, leads, row => came.Add(descendant.KeyOf(row)), cancel);
                    // It had been away, and came back with less.
                    if (!direction.IsHomebound) await RunAsync($"DELETE FROM {descendant.Definition.From} t WHERE {leads}{(came.Count == 0 ? "" : $" AND NOT {descendant.HasKey("t", came)}")}", cancel);
                }
        if (left.Count == 0) return;
        foreach (var descendant in direction.Tables.Reverse())
            if (descendant.LeadsTo(table, left) is { } leads)
                await RunAsync($"DELETE FROM {descendant.Definition.From} t WHERE {leads}", cancel);
        await RunAsync($"DELETE FROM {table.Definition.From} t WHERE {table.HasKey("t", left)}", cancel);
    }

    /// <summary>Fetches the rows of these keys that are the tenant's.</summary>
    /// <param name="then">Hears for each table which of them are the tenant's, and which are not. Parents first where rows arrive.</param>
    async Task AskAsync(
        IReadOnlySet<(StreamedTable Table, RowKey Key)> keys, Func<StreamedTable, IReadOnlyList<RowKey>, IReadOnlyList<RowKey>, Task> then, CancellationToken cancel)
    {
        var answers = await AskAsync(keys, fetch: true, cancel);
        foreach (var (table, arrived, _) in answers) await then(table, arrived, []);
        foreach (var (table, _, left) in Enumerable.Reverse(answers)) await then(table, [], left);
    }

    async Task<List<(StreamedTable Table, List<RowKey> Arrived, List<RowKey> Left)>> AskAsync(
        IReadOnlySet<(StreamedTable Table, RowKey Key)> keys, bool fetch, CancellationToken cancel)
    {
        var answers = new List<(StreamedTable Table, List<RowKey> Arrived, List<RowKey> Left)>();
        foreach (var table in direction.Tables)
            foreach (var some in keys.Where(one => one.Table == table).Select(one => one.Key).Chunk(RowsPerBatch))
            {
                var found = new HashSet<RowKey>();
                await FetchAsync(table, table.HasKey("t", some), row => found.Add(table.KeyOf(row)), cancel, fetch);
                answers.Add((table, [.. found], [.. some.Where(key => !found.Contains(key))]));
            }
        return answers;
    }

    // What is in the target already may be older than what is asked: it had been away.
    async Task FetchAsync(StreamedTable table, string which, Action<object?[]> each, CancellationToken cancel, bool fetch = true)
    {
        await using var source = await direction.Source.OpenConnectionAsync(cancel);
        await using var reading = await source.BeginTransactionAsync(snapshot is null ? IsolationLevel.ReadCommitted : IsolationLevel.RepeatableRead, cancel);
        if (snapshot is not null) await source.ExecuteAsync($"SET TRANSACTION SNAPSHOT {Sql.Literal(snapshot)}");
        await using var command = new NpgsqlCommand(
            $"SELECT {Sql.Identifiers("t", table.Columns.Select(column => column.Name))} FROM {table.Definition.From} t WHERE {direction.IsOurs(table)} AND {which}", source)
        { AllResultTypesAreUnknown = true };
        await using var reader = await command.ExecuteReaderAsync(cancel);
        var batch = new NpgsqlBatch(target);
        while (await reader.ReadAsync(cancel))
        {
            var row = new object?[table.Columns.Count];
            for (var i = 0; i < row.Length; i++) row[i] = reader.IsDBNull(i) ? null : reader.GetString(i);
            each(row);
            if (!fetch) continue;
            touched?.Add(table, table.KeyOf(row), null);
            batch.BatchCommands.Add(direction.IsHomebound ? table.InsertMissing(row) : table.Insert(row));
            if (batch.BatchCommands.Count < RowsPerBatch) continue;
            await batch.ExecuteNonQueryAsync(cancel);
            await batch.DisposeAsync();
            batch = new NpgsqlBatch(target);
        }
        if (batch.BatchCommands.Count > 0) await batch.ExecuteNonQueryAsync(cancel);
        await batch.DisposeAsync();
    }

    // Of these keys, those whose rows in the target are not the tenant's any more.
    async Task<IReadOnlyList<RowKey>> NotOursAsync(StreamedTable table, IEnumerable<RowKey> some, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(
            $"SELECT {Sql.Identifiers("t", table.Definition.Key)} FROM {table.Definition.From} t WHERE {table.HasKey("t", some)} AND ({direction.IsOurs(table)}) IS NOT TRUE", target)
        { AllResultTypesAreUnknown = true };
        await using var reader = await command.ExecuteReaderAsync(cancel);
        var keys = new List<RowKey>();
        while (await reader.ReadAsync(cancel)) keys.Add(new([.. Enumerable.Range(0, reader.FieldCount).Select(reader.GetString)]));
        return keys;
    }

    Task RunAsync(string sql, CancellationToken cancel) => target.ExecuteAsync(new CommandDefinition(sql, cancellationToken: cancel));
}

/// <summary>Rows have moved to the tenant, or away from it: only up to a point, where it is known which, can this be applied.</summary>
public sealed class RowsMovedException() : Exception("Rows have moved between tenants.");
