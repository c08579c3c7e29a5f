using System.Globalization;
using Migrator.Connections;
using Migrator.Model;
using Migrator.Scope;
using Npgsql;

namespace Migrator.Verification;

/// <summary>Computes digests of one side.</summary>
public static class DigestReader
{
    /// <summary>The digest of the rows that meet a condition on <c>t</c>.</summary>
    public static Task<Digest> ReadAsync(
        NpgsqlConnection connection,
        TableDefinition table,
        string condition,
        CancellationToken cancellationToken
    ) => ReadAsync(connection, table, table.From, condition, cancellationToken);

    /// <param name="from">The table, or one partition of it.</param>
    public static async Task<Digest> ReadAsync(
        NpgsqlConnection connection,
        TableDefinition table,
        string from,
        string condition,
        CancellationToken cancellationToken
    )
    {
        await using var command = new NpgsqlCommand(
            $"SELECT count(*), coalesce(sum({RowHash.Of(table, "t")}), 0)::text FROM {from} t WHERE {condition}",
            connection
        );
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return new(reader.GetInt64(0), reader.GetString(1));
    }

    /// <summary>A digest with what is needed to compute it again after a migration.</summary>
    public static async Task<RecordedTable> RecordAsync(
        NpgsqlConnection connection,
        TableDefinition table,
        string condition,
        CancellationToken cancellationToken
    )
    {
        // The snapshot first: a row that is written in between is younger than what was recorded.
        var snapshot = await Snapshots.CurrentAsync(connection, cancellationToken);
        var parts = await ReadPartsAsync(connection, table, RowHash.Of(table, "t"), condition, cancellationToken);
        var columns = table.StoredColumns.Select(column => new RecordedColumn(
            column.Number,
            column.Name,
            column.TypeText,
            column.HashesByValue
        ));
        var partitions = table.IsPartitioned
            ? table.Leaves.ToDictionary(leaf => leaf.Oid, leaf => parts.GetValueOrDefault(leaf.Oid, new(0, "0")))
            : [];
        return new(
            parts.Values.Aggregate(new Digest(0, "0"), (sum, part) => sum + part),
            new(table.Oid, snapshot!, [.. columns], partitions)
        );
    }

    /// <summary>Digests by the object id of the partition that holds the rows; partitions without rows are left out.</summary>
    /// <param name="hash">The hash of a row seen as <c>t</c>.</param>
    public static async Task<IReadOnlyDictionary<uint, Digest>> ReadPartsAsync(
        NpgsqlConnection connection,
        TableDefinition table,
        string hash,
        string condition,
        CancellationToken cancellationToken
    )
    {
        var rows = await connection.QueryAsync<(long Part, long Rows, string Sum)>(
            $"""
            SELECT t.tableoid::bigint, count(*), coalesce(sum({hash}), 0)::text
            FROM {table.From} t WHERE {condition} GROUP BY t.tableoid
            """,
            cancellationToken
        );
        return rows.ToDictionary(row => (uint)row.Part, row => new Digest(row.Rows, row.Sum));
    }

    /// <summary>Digests of the rows grouped by a hash of their key, to find out where two sides differ.</summary>
    public static async Task<Dictionary<int, Digest>> ReadBucketsAsync(
        NpgsqlConnection connection,
        TableDefinition table,
        string condition,
        int buckets,
        CancellationToken cancellationToken
    )
    {
        await using var command = new NpgsqlCommand(
            $"""
            SELECT {Bucket(table, "t", buckets)}, count(*), sum({RowHash.Of(table, "t")})::text
            FROM {table.From} t WHERE {condition} GROUP BY 1
            """,
            connection
        );
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var result = new Dictionary<int, Digest>();
        while (await reader.ReadAsync(cancellationToken))
            result.Add(reader.GetInt32(0), new(reader.GetInt64(1), reader.GetString(2)));
        return result;
    }

    /// <summary>Which bucket a row falls into.</summary>
    public static string Bucket(TableDefinition table, string alias, int buckets) =>
        $"({RowHash.OfKey(table, alias)} & {(buckets - 1).ToString(CultureInfo.InvariantCulture)})::int";
}
