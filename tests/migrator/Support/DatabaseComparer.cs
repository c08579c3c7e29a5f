using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using CliWrap;
using CliWrap.Buffered;
using Dapper;
using Migrator.Embedded;
using Npgsql;

namespace Migrator.Tests.Support;

/// <summary>Rows of one table.</summary>
/// <param name="Table">The table's name as SQL, quoted and with its schema.</param>
/// <param name="Where">The condition on the left side; the right side is always read whole.</param>
public sealed record TableRows(string Table, string Where);

/// <summary>
/// Compares two databases with PostgreSQL's own means and none of the migrator's: pg_dump's text, rows as text,
/// sequences' state. Each method returns sentences about the differences, none when there is none.
/// </summary>
/// <param name="left">The shared database.</param>
/// <param name="right">The isolated database.</param>
/// <param name="byCatalog">Compare schemas by the catalogs even where pg_dump can read both.</param>
public sealed partial class DatabaseComparer(TestDatabase left, TestDatabase right, bool byCatalog = false)
{
    const int Most = 20;

    /// <summary>Whatever session writes a row's text, it writes the same.</summary>
    const string Settings = """
        SET extra_float_digits = 1; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; SET TimeZone = 'UTC';
        SET bytea_output = 'hex';
        SET lc_monetary = 'C'; SET xmloption = 'content'; SET search_path = ''; SET row_security = off;
        """;

    /// <summary>Schema, rows and sequences.</summary>
    public async Task<IReadOnlyList<string>> CompareAsync(IReadOnlyList<TableRows> tables) =>
        [.. await CompareSchemasAsync(), .. await CompareRowsAsync(tables), .. await CompareSequencesAsync()];

    /// <summary>
    /// Compares the schemas: pg_dump's text where pg_dump can read both servers, else what the catalogs say in their
    /// own words. The migrator's own schema and triggers are left out.
    /// </summary>
    public async Task<IReadOnlyList<string>> CompareSchemasAsync()
    {
        // pg_dump of one version words the same thing alike for servers of different versions only as a rule.
        var dumpable = left.Cluster.Binaries.Major == right.Cluster.Binaries.Major && await CanDumpAsync(left);
        return dumpable && !byCatalog
            ? Differences("schema", await DumpAsync(left), await DumpAsync(right))
            : Differences("catalog", Comparable(await CatalogAsync(left)), Comparable(await CatalogAsync(right)));

        // PostgreSQL 16 prints a view's columns without the table's name where it can; the views' columns are compared.
        List<string> Comparable(List<string> lines) =>
            left.Cluster.Binaries.Major == right.Cluster.Binaries.Major
                ? lines
                : [.. lines.Where(line => !line.StartsWith("view ", StringComparison.Ordinal))];
    }

    /// <summary>
    /// Compares rows, all columns as text, and in which partition they are. A table that is not named is a difference.
    /// </summary>
    public async Task<IReadOnlyList<string>> CompareRowsAsync(IReadOnlyList<TableRows> tables)
    {
        await using var leftConnection = await OpenAsync(left);
        await using var rightConnection = await OpenAsync(right);
        var named = await leftConnection.QueryAsync<string>(
            "SELECT name::regclass::text FROM unnest(@names) AS name",
            new { names = tables.Select(table => table.Table).ToArray() }
        );
        var present = (await leftConnection.QueryAsync<string>(Tables)).Union(
            await rightConnection.QueryAsync<string>(Tables)
        );
        var differences = present.Except(named).Select(table => $"rows: {table} was not compared.").ToList();
        foreach (var table in tables)
            differences.AddRange(await CompareRowsAsync(table, leftConnection, rightConnection));
        return differences;
    }

    /// <summary>Compares the state of all sequences, and which materialised views are filled.</summary>
    public async Task<IReadOnlyList<string>> CompareSequencesAsync() =>
        Differences("state", await StateAsync(left), await StateAsync(right));

    const string Tables = """
        SELECT oid::regclass::text FROM pg_catalog.pg_class
        WHERE relkind IN ('r', 'p') AND NOT relispartition AND relpersistence <> 't'
            AND relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema', 'tenant_promotion')
        """;

    static async Task<IReadOnlyList<string>> CompareRowsAsync(
        TableRows table,
        NpgsqlConnection left,
        NpgsqlConnection right
    )
    {
        await using var leftRows = await ReadAsync(left, table.Table, table.Where);
        await using var rightRows = await ReadAsync(right, table.Table, "true");

        // Both sides are sorted by bytes: one walk along both finds every row that only one of them has.
        var differences = new List<string>();
        var leftRow = await NextAsync(leftRows);
        var rightRow = await NextAsync(rightRows);
        while ((leftRow, rightRow) is not (null, null) && differences.Count < Most)
        {
            var order =
                leftRow is null ? 1
                : rightRow is null ? -1
                : Math.Sign(leftRow.AsSpan().SequenceCompareTo(rightRow));
            if (order < 0)
                differences.Add($"rows: {table.Table} lacks {Short(leftRow!)}");
            if (order > 0)
                differences.Add($"rows: {table.Table} has in addition {Short(rightRow!)}");
            if (order <= 0)
                leftRow = await NextAsync(leftRows);
            if (order >= 0)
                rightRow = await NextAsync(rightRows);
        }

        return differences;
    }

    static async Task<NpgsqlDataReader> ReadAsync(NpgsqlConnection connection, string table, string where)
    {
        var sql = $"""
            SELECT row FROM (SELECT tableoid::regclass::text || ' ' || t::text AS row FROM {table} AS t
                WHERE {where}) AS rows
            ORDER BY row COLLATE "C"
            """;
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        return await command.ExecuteReaderAsync();
    }

    static async Task<byte[]?> NextAsync(NpgsqlDataReader reader) =>
        await reader.ReadAsync() ? Encoding.UTF8.GetBytes(reader.GetString(0)) : null;

    static string Short(byte[] row)
    {
        var text = Encoding.UTF8.GetString(row);
        // The hash tells two long rows apart that begin alike.
        return text.Length <= 200
            ? text
            : $"{text[..200]}... ({text.Length} characters, {Convert.ToHexStringLower(SHA256.HashData(row))})";
    }

    static async Task<bool> CanDumpAsync(TestDatabase database)
    {
        var program = await ClientProgram.FindAsync(database.Cluster, "pg_dump");
        var version = await Cli.Wrap(program).WithArguments("--version").ExecuteBufferedAsync();
        return int.Parse(MajorPattern.Match(version.StandardOutput).Value) >= database.Cluster.Binaries.Major;
    }

    static async Task<List<string>> DumpAsync(TestDatabase database)
    {
        string[] arguments =
        [
            "--schema-only",
            "--exclude-schema=tenant_promotion",
            "--no-publications",
            "--quote-all-identifiers",
        ];
        var dump = await ClientProgram.RunAsync(database, EmbeddedCluster.Superuser, "pg_dump", arguments);
        return
        [
            .. dump.Split('\n').Select(line => line.TrimEnd()).Where(line => line.Length > 0 && !Noise.IsMatch(line)),
        ];
    }

    static async Task<List<string>> CatalogAsync(TestDatabase database)
    {
        await using var connection = await OpenAsync(database);
        return (await connection.QueryAsync<string>(EmbeddedSql.Read("catalog.sql")))
            .Order(StringComparer.Ordinal)
            .ToList();
    }

    static async Task<List<string>> StateAsync(TestDatabase database)
    {
        await using var connection = await OpenAsync(database);
        var state = (
            await connection.QueryAsync<string>(
                """
                SELECT oid::regclass || CASE WHEN relispopulated THEN ' is filled' ELSE ' is not filled' END
                    FROM pg_catalog.pg_class
                WHERE relkind = 'm' ORDER BY 1
                """
            )
        ).ToList();
        foreach (
            var sequence in await connection.QueryAsync<string>(
                """
                SELECT seqrelid::regclass::text FROM pg_catalog.pg_sequence JOIN pg_catalog.pg_class ON oid = seqrelid
                WHERE relnamespace::regnamespace::text <> 'tenant_promotion' ORDER BY 1
                """
            )
        )
        {
            var value = await connection.ExecuteScalarAsync<string>(
                $"SELECT last_value || ' ' || is_called FROM {sequence}"
            );
            state.Add($"{sequence} {value}");
        }

        return state;
    }

    static async Task<NpgsqlConnection> OpenAsync(TestDatabase database)
    {
        // Without a pool: settings stay with this session, and no idle one keeps the database from being a template.
        var builder = new NpgsqlConnectionStringBuilder(database.ConnectionString(EmbeddedCluster.Superuser))
        {
            Pooling = false,
        };
        var connection = new NpgsqlConnection(builder.ConnectionString);
        await connection.OpenAsync();
        await connection.ExecuteAsync(Settings);
        return connection;
    }

    static List<string> Differences(string what, List<string> left, List<string> right)
    {
        var differences = Surplus(left, right)
            .Select(line => $"{what}: missing {line}")
            .Concat(Surplus(right, left).Select(line => $"{what}: in addition {line}"))
            .Take(Most)
            .ToList();
        // The same lines in another order: something moved from one object to another.
        if (differences.Count == 0 && !left.SequenceEqual(right))
            differences.Add(
                $"{what}: another order from {left.Zip(right).First(pair => pair.First != pair.Second).First}"
            );
        return differences;
    }

    static IEnumerable<string> Surplus(List<string> lines, List<string> others)
    {
        var counts = others.GroupBy(line => line).ToDictionary(group => group.Key, group => group.Count());
        foreach (var line in lines)
        {
            if (counts.GetValueOrDefault(line) == 0)
                yield return line;
            else
                counts[line]--;
        }
    }

    // Comments of pg_dump, its psql commands, the version it was made with, and what the migrator itself installs.
    [GeneratedRegex(@"^--|^\\|^SET |TRIGGER ""?~?tenant_promotion")]
    static partial Regex Noise { get; }

    [GeneratedRegex(@"\d+")]
    static partial Regex MajorPattern { get; }
}
