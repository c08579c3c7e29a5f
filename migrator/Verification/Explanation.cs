using Migrator.Connections;
using Migrator.Guarding;
using Migrator.Model;
using Migrator.Scope;
using Npgsql;

namespace Migrator.Verification;

/// <summary>
/// Finds out what the databases know of rows that differ: in which columns, and which transaction wrote each side last. Who
/// that was is known to no server, and of a row that was deleted nothing is left.
/// </summary>
/// <param name="recorded">What was recorded of the shared tables at the flip.</param>
public sealed class Explanation(
    Databases databases,
    TenantScope scope,
    Tenant tenant,
    IReadOnlyDictionary<string, RecordedTable> recorded
)
{
    /// <summary>How many rows of a table are looked at.</summary>
    public const int RowsPerTable = 10;

    /// <param name="values">The values too, which are the tenant's data.</param>
    public async Task<IReadOnlyList<ExplainedTable>> OfAsync(
        IEnumerable<TableComparison> results,
        bool values,
        CancellationToken cancellationToken
    )
    {
        var comparison = new Comparison(databases, scope, tenant);
        var tables = new List<ExplainedTable>();
        foreach (var table in results.Where(result => !result.IsEqual).Select(result => result.Table))
        {
            var rows = await comparison.RowsAsync(table, RowsPerTable, cancellationToken);
            tables.Add(
                new(
                    table,
                    await RowsAsync(table, rows, values, cancellationToken),
                    await TriggersAsync(table, cancellationToken)
                )
            );
        }
        return tables;
    }

    async Task<IReadOnlyList<ExplainedRow>> RowsAsync(
        ScopedTable table,
        IReadOnlyList<RowDifference> differences,
        bool values,
        CancellationToken cancellationToken
    )
    {
        if (table.Table.Key.Count == 0)
            return [.. differences.Select(one => new ExplainedRow(one, [], null, null))];
        var keys = differences.Select(one => one.Key).ToArray();
        var snapshot = recorded.GetValueOrDefault(table.Name.ToString())?.Detail?.Snapshot;
        var condition = scope.Condition(table, "t", tenant.Id);
        var here = await ReadAsync(databases.Shared, table, condition, keys, values, snapshot, cancellationToken);
        condition = scope.Arrived(table, "t");
        var there = await ReadAsync(databases.Isolated, table, condition, keys, values, null, cancellationToken);
        return
        [
            .. differences.Select(one =>
            {
                var (shared, isolated) = (here.GetValueOrDefault(one.Key), there.GetValueOrDefault(one.Key));
                return new ExplainedRow(one, Columns(table, shared, isolated), shared?.Origin, isolated?.Origin);
            }),
        ];
    }

    static DifferingColumn[] Columns(ScopedTable table, Row? shared, Row? isolated) =>
        shared is null || isolated is null
            ? []
            :
            [
                .. table
                    .Table.StoredColumns.Select((column, i) => (column.Name, i))
                    .Where(column => shared.Hashes[column.i] != isolated.Hashes[column.i])
                    .Select(column => new DifferingColumn(
                        column.Name,
                        shared.Values?[column.i],
                        isolated.Values?[column.i]
                    )),
            ];

    static async Task<Dictionary<string, Row>> ReadAsync(
        NpgsqlDataSource side,
        ScopedTable table,
        string condition,
        string[] keys,
        bool values,
        string? snapshot,
        CancellationToken cancellationToken
    )
    {
        var columns = table.Table.StoredColumns.ToArray();
        var texts = columns.Select(column => $"t.{Sql.Identifier(column.Name)}::text");
        await using var connection = await side.OpenConnectionAsync(cancellationToken);
        // xmin has 32 bits: the youngest transaction with those bits is meant.
        var rows = await connection.QueryAsync<(string, string, DateTime?, bool?, string[], string?[]?)>(
            $"""
            SELECT {KeyedRows.Label(table)}, t.xmin::text,
                   CASE WHEN current_setting('track_commit_timestamp')::bool THEN pg_xact_commit_timestamp(t.xmin) END,
                   NOT pg_visible_in_snapshot((next - ((next - t.xmin::text::bigint) & 4294967295))::text::xid8,
                                              CAST(@snapshot AS pg_snapshot)),
                   ARRAY[{string.Join(", ", columns.Select(column => RowHash.OfColumn(column, "t")))}]::text[],
                   {(values ? $"ARRAY[{string.Join(", ", texts)}]" : "NULL::text[]")}
            FROM {table.Table.From} t,
                 (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next) now
            WHERE {condition} AND {KeyedRows.Label(table)} = ANY (@keys)
            """,
            new { keys, snapshot },
            cancellationToken
        );
        return rows.ToDictionary(
            row => row.Item1,
            row => new Row(new(row.Item2, row.Item3, row.Item4), row.Item5, row.Item6)
        );
    }

    async Task<IReadOnlyList<string>> TriggersAsync(ScopedTable table, CancellationToken cancellationToken)
    {
        await using var isolated = await databases.Isolated.OpenConnectionAsync(cancellationToken);
        return await isolated.QueryAsync<string>(
            """
            SELECT tgname::text FROM pg_trigger
            WHERE tgrelid = to_regclass(@name) AND NOT tgisinternal AND tgenabled <> 'D' AND NOT starts_with(tgname, @ours)
            ORDER BY 1
            """,
            new { name = table.Name.Quoted, ours = WriteGuard.TriggerPrefix },
            cancellationToken
        );
    }

    sealed record Row(RowOrigin Origin, string[] Hashes, string?[]? Values);
}
