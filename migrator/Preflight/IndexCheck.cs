using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Scope;

namespace Migrator.Preflight;

/// <summary>
/// Large tables without an index by which the tenant's rows are found, by each way in which rows are the tenant's, and foreign
/// keys without one. <see cref="WhereCheck"/> looks at conditions.
/// </summary>
sealed class IndexCheck(PreflightContext context)
{
    const long WorthAnIndex = 10_000;

    readonly HashSet<string> told = [];

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        foreach (var table in context.Scope.Tables.Where(table => table.IsTenantData || table.IsByReference))
        foreach (
            var claim in table
                .Claims.Where(claim => claim.Where is null)
                .Where(claim => table.Scope != TableScope.Root || claim.Step is not null)
        )
            await RequireAsync(
                claim.Step is { IsMany: true } many ? context.Scope[many.To] : table,
                claim.Step is { } step ? (step.IsMany ? step.ToColumns : step.FromColumns) : [claim.Column!],
                columns => PreflightMessages.RowsWithoutIndex(table.Name, columns),
                cancellationToken
            );
        // Deleting a referenced row searches for the rows that refer to it; without an index, each delete scans the
        // whole table.
        foreach (
            var key in context.Scope.References.Where(key =>
                context.Scope[key.To] is { IsTenantData: true, Scope: not TableScope.Root }
            )
        )
            await RequireAsync(
                context.Scope[key.From],
                key.FromColumns,
                _ => PreflightMessages.ForeignKeyWithoutIndex(key.Name, key.From, key.FromColumns, key.To),
                cancellationToken
            );
    }

    async Task RequireAsync(
        ScopedTable table,
        IReadOnlyList<string> columns,
        Func<string, string> warning,
        CancellationToken cancellationToken
    )
    {
        var on = $"{table.Name.Quoted} ({Sql.Identifiers(columns)})";
        if (table.Table.EstimatedRows <= WorthAnIndex || told.Contains(on))
            return;
        if (await HasIndexAsync(table.Name, columns, cancellationToken))
            return;
        told.Add(on);
        context.Warnings.Add(warning(on));
    }

    Task<bool> HasIndexAsync(TableName table, IReadOnlyList<string> columns, CancellationToken cancellationToken) =>
        context.Shared.ExecuteScalarAsync<bool>(
            """
            SELECT EXISTS (SELECT FROM pg_index i
                           WHERE i.indrelid = CAST(@table AS regclass) AND i.indisvalid
                             AND (i.indpred IS NULL OR pg_get_expr(i.indpred, i.indrelid) = ANY (
                                     SELECT format('(%I IS NOT NULL)', name) FROM unnest(@columns) name))
                             AND (SELECT array_agg(a.attname::text) FROM pg_attribute a
                                  WHERE a.attrelid = i.indrelid AND a.attnum = ANY (
                                      (i.indkey::int2[])[0:cardinality(@columns) - 1])) @> @columns)
            """,
            new { table = table.Quoted, columns = columns.ToArray() },
            cancellationToken
        );
}
