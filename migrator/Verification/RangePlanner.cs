using System.Globalization;
using System.Text.Json;
using Migrator.Connections;
using Migrator.Model;
using Migrator.Scope;
using Npgsql;

namespace Migrator.Verification;

/// <summary>
/// Divides a table into ranges of about as many rows each, as a sample of the isolated database shows them, where the
/// tenant's rows stand alone.
/// </summary>
/// <param name="rowsPerRange">About so many rows a range.</param>
public sealed class RangePlanner(
    NpgsqlConnection shared,
    NpgsqlConnection isolated,
    TenantScope scope,
    Tenant tenant,
    long rowsPerRange
)
{
    const int MaxRanges = 10_000;

    // Enough that a range is rarely a quarter larger or smaller than planned, although whole blocks are sampled.
    const double SampledRows = 2_000;

    // By the planner's estimate, which is no closer than that. Whoever needs a smaller range pays for it: see DivideAsync.
    const double MostExtraCost = 1.2;

    // A tenth of a second or so.
    const double NegligibleCost = 10_000;

    /// <param name="rows">About as many rows as the isolated table has.</param>
    public async Task<IReadOnlyList<KeyRange>> PlanAsync(
        ScopedTable table,
        long rows,
        CancellationToken cancellationToken
    )
    {
        var count = (int)Math.Min(MaxRanges, (rows + (rowsPerRange / 2)) / rowsPerRange);
        if (count < 2 || table.Table.Key.Count == 0)
            return [KeyRange.Whole];
        var bounds = await BoundsAsync(table, rows, count, cancellationToken);
        KeyRange[] ranges =
        [
            .. bounds.Prepend(null).Zip(bounds.Append<string[]?>(null), (after, upTo) => new KeyRange(after, upTo)),
        ];
        return await AreCheapAsync(table, ranges, cancellationToken) ? ranges : [KeyRange.Whole];
    }

    /// <summary>The two halves of a range; null if it has one row at most.</summary>
    public async Task<(KeyRange, KeyRange)?> DivideAsync(
        ScopedTable table,
        KeyRange range,
        CancellationToken cancellationToken
    )
    {
        if (table.Table.Key.Count == 0)
            return null;
        var rows = $"FROM {table.Table.From} t WHERE {scope.Arrived(table, "t")}{range.And(table.Table, "t")}";
        var keys = await KeysAsync(
            $"""
            SELECT {Texts(table)} {rows} AND (SELECT count(*) {rows}) > 1 ORDER BY {KeyRange.Order(table.Table, "t")}
            OFFSET (SELECT greatest(count(*) / 2 - 1, 0) {rows}) LIMIT 1
            """,
            cancellationToken
        );
        return keys is [var middle] ? (new(range.After, middle), new(middle, range.UpTo)) : null;
    }

    // The first key of each part of the sample but the first.
    Task<IReadOnlyList<string[]>> BoundsAsync(
        ScopedTable table,
        long rows,
        int count,
        CancellationToken cancellationToken
    )
    {
        var percent = Math.Min(100, 100 * SampledRows * count / rows).ToString("0.####", CultureInfo.InvariantCulture);
        var order = KeyRange.Order(table.Table, "t");
        var names = Enumerable.Range(0, table.Table.Key.Count).Select(i => $"k{i}").ToArray();
        return KeysAsync(
            $"""
            SELECT {string.Join(", ", names)}
            FROM (SELECT *, lag(part) OVER (ORDER BY number) AS before
                  FROM (SELECT {Texts(table)}, ntile({count}) OVER w AS part, row_number() OVER w AS number
                        FROM {table.Table.From} t TABLESAMPLE SYSTEM ({percent}) WHERE {scope.Arrived(table, "t")}
                        WINDOW w AS (ORDER BY {order})) sample) parted
            WHERE part > before
            ORDER BY number
            """,
            cancellationToken
        );
    }

    static string Texts(ScopedTable table) =>
        string.Join(", ", table.Table.Key.Select((name, i) => $"t.{Sql.Identifier(name)}::text AS k{i}"));

    async Task<IReadOnlyList<string[]>> KeysAsync(string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, isolated);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var keys = new List<string[]>();
        while (await reader.ReadAsync(cancellationToken))
            keys.Add([.. Enumerable.Range(0, reader.FieldCount).Select(reader.GetString)]);
        return keys;
    }

    // Where only all rows of the tenant can be found at once, each range would read all of them.
    async Task<bool> AreCheapAsync(
        ScopedTable table,
        IReadOnlyList<KeyRange> ranges,
        CancellationToken cancellationToken
    )
    {
        var middle = ranges[ranges.Count / 2].And(table.Table, "t");
        foreach (
            var (side, condition) in ((NpgsqlConnection, string)[])
                [(shared, scope.ConditionOfAll(table, tenant.Id)), (isolated, scope.Arrived(table, "t"))]
        )
        {
            var whole = await CostAsync(side, table, condition, cancellationToken);
            var all = await CostAsync(side, table, condition + middle, cancellationToken) * ranges.Count;
            if (whole > NegligibleCost && all > whole * MostExtraCost)
                return false;
        }
        return true;
    }

    static async Task<double> CostAsync(
        NpgsqlConnection side,
        ScopedTable table,
        string condition,
        CancellationToken cancellationToken
    )
    {
        var plan = await side.ExecuteScalarAsync<string>(
            $"EXPLAIN (FORMAT JSON) SELECT sum({RowHash.Of(table.Table, "t")}) FROM {table.Table.From} t WHERE {condition}",
            cancellationToken
        );
        using var explained = JsonDocument.Parse(plan!);
        return explained.RootElement[0].GetProperty("Plan").GetProperty("Total Cost").GetDouble();
    }
}
