using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Scope;

namespace Migrator.Preflight;

/// <summary>Values that take much memory on their way.</summary>
/// <remarks>
/// A length is read from where the row refers to the value, and the value itself is not:
/// https://www.postgresql.org/docs/current/storage-toast.html
/// </remarks>
sealed class LargeValueCheck(PreflightContext context)
{
    // In bytes.
    const long Large = 64_000_000;

    // Of a table's values that are stored outside of its rows.
    const long FewBytes = 1_000_000;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var columns = await ColumnsAsync(cancellationToken);
        foreach (var table in context.Scope.CopiedTables)
            if (columns[table.Table.Oid].ToArray() is { Length: > 0 } outside)
                await CheckAsync(table, outside, cancellationToken);
    }

    async Task CheckAsync(
        ScopedTable table,
        (string Name, bool IsMeasured)[] columns,
        CancellationToken cancellationToken
    )
    {
        var lengths = columns.Select(column =>
        {
            var value = $"t.{Sql.Identifier(column.Name)}";
            return $"coalesce(max({(column.IsMeasured ? "octet_length" : "pg_column_size")}({value})), 0)::bigint";
        });
        var longest = await context.Shared.ExecuteScalarAsync<long[]>(
            $"SELECT ARRAY[{string.Join(", ", lengths)}] FROM {table.Table.From} t WHERE {context.Copied(table, "t")}",
            cancellationToken
        );
        foreach (var (column, length) in columns.Zip(longest!))
            if (length >= Large)
                context.Warnings.Add(PreflightMessages.LargeValue(table.Name, column.Name, length));
    }

    // Columns that may be stored outside of the row, and whether octet_length knows their length before compression.
    async Task<ILookup<uint, (string Name, bool IsMeasured)>> ColumnsAsync(CancellationToken cancellationToken) =>
        (
            await context.Shared.QueryAsync<(long Table, string Column, bool IsMeasured)>(
                """
                WITH large AS (
                    SELECT DISTINCT coalesce(pg_partition_root(c.oid), c.oid) AS oid FROM pg_class c
                    WHERE c.reltoastrelid <> 0 AND c.oid >= 16384 AND pg_relation_size(c.reltoastrelid) >= @FewBytes)
                SELECT a.attrelid::bigint, a.attname::text, a.atttypid IN ('text'::regtype, 'varchar'::regtype, 'bytea'::regtype)
                FROM large JOIN pg_attribute a ON a.attrelid = large.oid
                WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attstorage IN ('x', 'e')
                ORDER BY a.attrelid, a.attnum
                """,
                new { FewBytes },
                cancellationToken
            )
        ).ToLookup(row => (uint)row.Table, row => (row.Column, row.IsMeasured));
}
