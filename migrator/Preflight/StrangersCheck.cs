using Migrator.Connections;
using Migrator.Messages;
using Migrator.Scope;

namespace Migrator.Preflight;

/// <summary>
/// Reference tables are copied whole, and shared rows are other tenants' too: what is surely others' is refused, and the rest is
/// counted and said aloud.
/// </summary>
sealed class StrangersCheck(PreflightContext context)
{
    readonly ReferenceNames names = new(context.Scope, context.Tenant.Id);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        context.Unowned.AddRange(
            await UnownedRows.ToCopyAsync(context.Shared, context.Scope, context.Tenant, cancellationToken)
        );
        var told = new List<string>();
        foreach (var unowned in context.Unowned)
        {
            var name = unowned.Table.Name;
            if (await IsOwnedAsync(unowned.Table, cancellationToken))
                continue;
            var isPrivate = unowned.PrivateColumns.Count > 0;
            if (isPrivate && unowned is { Rows: > 0, Table.Scope: TableScope.Shared })
                context.Warnings.Add(ReferenceMessages.SharedLooksPrivate(name, unowned.Rows, unowned.PrivateColumns));
            else if (isPrivate && unowned.Unnamed > 0)
                context.Warnings.Add(
                    ReferenceMessages.ReferenceLooksPrivate(name, unowned.Rows, unowned.Unnamed, unowned.PrivateColumns)
                );
            else if (unowned.OfOthers > 0)
                told.Add($"{name} ({unowned.OfOthers:N0} of {unowned.Rows:N0} rows)");
        }
        if (told.Count > 0)
            context.Warnings.Add(ReferenceMessages.ReferenceRowsOfOthers(told));
    }

    // A row that at most one row may name is a part of that row, and so of its tenant: no list that tenants share.
    async Task<bool> IsOwnedAsync(ScopedTable table, CancellationToken cancellationToken)
    {
        if (table.Scope != TableScope.Reference)
            return false;
        foreach (var key in names.KeysInto(table).Where(key => context.Scope[key.From].IsTenantData))
        {
            if (
                !await IsUniqueAsync(key, cancellationToken)
                || names.OfOthers(table, [key]) is not { } query
                || await context.Shared.ExecuteScalarAsync<long>(query, cancellationToken) is not (> 0 and var rows)
            )
                continue;
            context.Faults.Add(
                ReferenceMessages.ReferenceRowsAreOwned(table.Name, key.From, key.Name, key.FromColumns[0], rows)
            );
            return true;
        }
        return false;
    }

    Task<bool> IsUniqueAsync(ForeignKey key, CancellationToken cancellationToken) =>
        context.Shared.ExecuteScalarAsync<bool>(
            """
            SELECT EXISTS (SELECT FROM pg_index i
                           WHERE i.indrelid = CAST(@table AS regclass) AND i.indisunique AND i.indisvalid
                             AND i.indpred IS NULL AND i.indexprs IS NULL
                             AND (SELECT array_agg(a.attname::text) FROM pg_attribute a
                                  WHERE a.attrelid = i.indrelid
                                    AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])) <@ @columns)
            """,
            new { table = key.From.Quoted, columns = key.FromColumns.ToArray() },
            cancellationToken
        );
}
