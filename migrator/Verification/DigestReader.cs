using System.Globalization;
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
