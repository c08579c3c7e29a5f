using Migrator.Connections;
using Migrator.Guarding;
using Migrator.Messages;
using Npgsql;

namespace Migrator.Streaming;

/// <summary>
/// Follows the reverse stream. In the shared database all constraints are in force and other tenants write: nothing is
/// merged, the application's triggers are off while a batch is applied, and a row that is not as expected ends the
/// stream. Every change tells all, so nothing has to be fetched.
/// </summary>
sealed class ReverseApplier(StreamDirection direction, DirtyKeys? touched) : IChangeApplier
{
    readonly ChangeWriter writer = new(direction);
    readonly LockRetry locks = new(direction.Clock);
    readonly List<string> resumptions = [];

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
            if (IsOpen || !batch.EndsTransaction)
                await ApplyAsync(batch, defersKeys: true, cancellationToken);
            else
                await ApplyWholeAsync(batch, cancellationToken);
        }
        catch (PostgresException e) when (e.SqlState.StartsWith("23", StringComparison.Ordinal))
        {
            throw StreamMessages.StreamDiverged(direction.Tenant.Slug, ServerErrors.Text(e) + ".", e);
        }
    }

    public ValueTask DisposeAsync() => writer.DisposeAsync();

    // To defer a foreign key takes a lock on both tables, and is seldom needed: only when a statement of many rows,
    // which the source checked at its end, comes here row by row.
    async Task ApplyWholeAsync(ChangeBatch batch, CancellationToken cancellationToken)
    {
        try
        {
            await ApplyAsync(batch, defersKeys: false, cancellationToken);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.ForeignKeyViolation)
        {
            await AbandonAsync();
            await ApplyAsync(batch, defersKeys: true, cancellationToken);
        }
    }

    async Task ApplyAsync(ChangeBatch batch, bool defersKeys, CancellationToken cancellationToken)
    {
        if (batch.Changes.Count > 0)
        {
            if (!IsOpen)
                await BeginAsync(batch, defersKeys, cancellationToken);
            await WriteAsync(batch.Changes, cancellationToken);
        }
        if (!batch.EndsTransaction || !IsOpen)
            return;
        if (resumptions.Count > 0)
        {
            // Deferred events must run now: an ALTER TABLE refuses a table that has some pending.
            await writer.ExecuteAsync("SET CONSTRAINTS ALL IMMEDIATE", cancellationToken);
            foreach (var resumption in resumptions)
                await writer.ExecuteAsync(resumption, cancellationToken);
        }
        await writer.CommitAsync(batch.End, cancellationToken);
        resumptions.Clear();
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

    async Task WriteAsync(IReadOnlyList<Change> changes, CancellationToken cancellationToken)
    {
        var writes = new WriteBatch(joins: false, TargetState.Consistent);
        foreach (var change in changes)
        {
            if (change.Kind != ChangeKind.Truncate)
                touched?.Add(change.Table, change.Key, change.Old);
            Add(writes, change);
        }
        foreach (var change in await writes.ExecuteAsync(writer.Connection, cancellationToken))
            throw StreamMessages.StreamDiverged(
                direction.Tenant.Slug,
                $"{change.Table.Name} has no row {change.Old ?? change.Key} to change."
            );
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
    }
}
