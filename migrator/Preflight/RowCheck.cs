using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Scope;

namespace Migrator.Preflight;

/// <summary>Rows that belong to no tenant, and foreign keys without an index.</summary>
sealed class RowCheck(PreflightContext context)
{
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await CountRowsWithoutTenantAsync(cancellationToken);
        await CountRowsWithoutParentAsync(cancellationToken);
        await CheckIndexesAsync(cancellationToken);
    }

    async Task CountRowsWithoutTenantAsync(CancellationToken cancellationToken)
    {
        foreach (var table in context.Scope.TenantTables)
            if (
                table.WithoutTenant("t") is { } unowned
                && await context.Shared.ExecuteScalarAsync<long>(
                    $"SELECT count(*) FROM {table.Table.From} t WHERE {unowned}",
                    cancellationToken
                )
                    is > 0
                        and var rows
            )
                context.Warnings.Add(
                    table.NullIsGlobal
                        ? PreflightMessages.RowsOfEverybody(table.Name, rows)
                        : PreflightMessages.RowsWithoutTenant(table.Name, rows)
                );
    }

    async Task CountRowsWithoutParentAsync(CancellationToken cancellationToken)
    {
        foreach (var table in context.Scope.TenantTables)
        foreach (var step in table.UndeclaredSteps)
        {
            var present = step.FromColumns.Select(name => $"t.{Sql.Identifier(name)} IS NOT NULL");
            var parent = context.Scope[step.To].Table.From;
            var rows = await context.Shared.ExecuteScalarAsync<long>(
                $"""
                SELECT count(*) FROM {table.Table.From} t WHERE {string.Join(" AND ", present)}
                    AND NOT EXISTS (SELECT FROM {parent} p WHERE {step.Join("t", "p")})
                """,
                cancellationToken
            );
            context.Warnings.Add(PreflightMessages.UnenforcedRule(table.Name, step.To, rows));
        }
    }

    // Deleting a referenced row searches for the rows that refer to it; without an index, each delete scans the
    // whole table.
    async Task CheckIndexesAsync(CancellationToken cancellationToken)
    {
        const long worthAnIndex = 10_000;
        foreach (
            var key in context.Scope.ForeignKeys.Where(key =>
                context.Scope[key.To] is { IsTenantData: true, Scope: not TableScope.Root }
                && context.Scope[key.From].Table.EstimatedRows > worthAnIndex
            )
        )
            if (
                !await context.Shared.ExecuteScalarAsync<bool>(
                    """
                    SELECT EXISTS (SELECT FROM pg_index i
                                   WHERE i.indrelid = CAST(@table AS regclass) AND i.indisvalid
                                     AND (SELECT array_agg(a.attname::text) FROM pg_attribute a
                                          WHERE a.attrelid = i.indrelid AND a.attnum = ANY (
                                              (i.indkey::int2[])[0:cardinality(@columns) - 1])) @> @columns)
                    """,
                    new { table = key.From.Quoted, columns = key.FromColumns.ToArray() },
                    cancellationToken
                )
            )
                context.Warnings.Add(
                    PreflightMessages.ForeignKeyWithoutIndex(key.Name, key.From, key.FromColumns, key.To)
                );
    }
}
