using Migrator.Connections;
using Migrator.Copying;
using Migrator.Guarding;
using Migrator.Model;
using Migrator.Scope;
using Npgsql;

namespace Migrator.Cutover;

/// <summary>
/// The tenant's rows of a table without a key, where they are copied to: an index in the session's temporary tables finds
/// them by what they hold.
/// </summary>
/// <param name="condition">Which rows, seen as <c>t</c>, are the tenant's.</param>
sealed class KeylessTable(NpgsqlConnection target, ScopedTable table, int number, string condition)
{
    public ScopedTable Table => table;

    string Places => $"pg_temp.places_{number}";

    string Form => $"pg_temp.form_{number}";

    string From => table.Table.From;

    /// <summary>Indexes tables of one session.</summary>
    /// <param name="condition">Which rows of a table, seen as <c>t</c>, are the tenant's.</param>
    public static async Task<IReadOnlyList<KeylessTable>> IndexAsync(
        NpgsqlConnection target,
        IEnumerable<ScopedTable> tables,
        Func<ScopedTable, string> condition,
        CancellationToken cancellationToken
    )
    {
        KeylessTable[] indexed = [.. tables.Select((table, n) => new KeylessTable(target, table, n, condition(table)))];
        foreach (var table in indexed)
            await table.IndexAsync(cancellationToken);
        return indexed;
    }

    /// <summary>Nobody else writes the tenant's rows: a row stays where it is, unless the table is rewritten.</summary>
    public Task IndexAsync(CancellationToken cancellationToken) =>
        target.ExecuteAsync(
            $"""
            SET lc_monetary = 'C';
            DROP TABLE IF EXISTS {Places}, {Form};
            CREATE TEMP TABLE {Places} AS
                SELECT hashtextextended({GuardTriggers.Noted(table, "t")}, 0) AS hash, tableoid AS part, ctid AS place
                FROM {From} t WHERE {condition};
            CREATE INDEX ON {Places} (hash);
            ANALYZE {Places};
            CREATE TEMP TABLE {Form} AS SELECT {RawCopy.Columns(table.Table)} FROM {From} WHERE false
            """,
            cancellationToken
        );

    /// <summary>Deletes rows that have gone, then inserts those that have come.</summary>
    /// <returns>How many of the rows to be deleted were not found.</returns>
    public async Task<long> ChangeAsync(IReadOnlyList<NotedRows> changes, CancellationToken cancellationToken)
    {
        var missing = await DeleteAsync([.. changes.Where(change => change.Count < 0)], cancellationToken);
        if (missing == 0)
            await InsertAsync([.. changes.Where(change => change.Count > 0)], cancellationToken);
        return missing;
    }

    async Task<long> DeleteAsync(IReadOnlyList<NotedRows> gone, CancellationToken cancellationToken)
    {
        if (gone.Count == 0)
            return 0;
        var deleted = await target.ExecuteAsync(
            $"""
            DELETE FROM {From} t USING (
                SELECT found.* FROM unnest(@rows, @counts) g (row, count), LATERAL (
                    SELECT t.tableoid AS part, t.ctid AS place
                    FROM {Places} p JOIN {From} t ON t.ctid = p.place AND t.tableoid = p.part
                    WHERE p.hash = hashtextextended(g.row, 0) AND ({condition}) AND {GuardTriggers.Noted(
                table,
                "t"
            )} = g.row
                    LIMIT g.count) found
            ) gone
            WHERE t.ctid = gone.place AND t.tableoid = gone.part
            """,
            new { rows = gone.Select(row => row.Row).ToArray(), counts = gone.Select(row => -row.Count).ToArray() },
            cancellationToken
        );
        return gone.Sum(row => -row.Count) - deleted;
    }

    Task InsertAsync(IReadOnlyList<NotedRows> come, CancellationToken cancellationToken)
    {
        if (come.Count == 0)
            return Task.CompletedTask;
        var columns = table.Table.StoredColumns.Select(column => column.Name).ToArray();
        return target.ExecuteAsync(
            $"""
            INSERT INTO {table.Name.Quoted} ({Sql.Identifiers(columns)}) OVERRIDING SYSTEM VALUE
            SELECT {string.Join(", ", columns.Select(column => $"(c.row).{Sql.Identifier(column)}"))}
            FROM (SELECT CAST(row AS {Form}) AS row, count FROM unnest(@rows, @counts) u (row, count) OFFSET 0) c,
                 generate_series(1, c.count)
            """,
            new { rows = come.Select(row => row.Row).ToArray(), counts = come.Select(row => row.Count).ToArray() },
            cancellationToken
        );
    }
}
