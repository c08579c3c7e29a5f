using System.Globalization;
using System.Numerics;
using Migrator.Model;
using Migrator.Scope;
using Npgsql;

namespace Migrator.Verification;

/// <summary>What a set of rows adds up to: how many, and the sum of their hashes. Order does not matter, a doubled row does.</summary>
/// <param name="Sum">Sum of 64-bit row hashes, as the decimal text of a numeric.</param>
public readonly record struct Digest(long Rows, string Sum)
{
    public static Digest operator +(Digest left, Digest right) =>
        new(left.Rows + right.Rows, (BigInteger.Parse(left.Sum) + BigInteger.Parse(right.Sum)).ToString());

    public override string ToString() => $"{Rows} rows, sum {Sum}";
}

/// <summary>The SQL that turns rows into digests, the same on both sides.</summary>
/// <remarks>
/// <c>hash_record_extended</c>: https://www.postgresql.org/docs/current/functions-comparison.html#ROW-WISE-COMPARISON (hashing of records since 14).
/// </remarks>
public static class RowHash
{
    /// <summary>The 64-bit hash of a row seen as <paramref name="alias"/>.</summary>
    /// <remarks>
    /// A record's hash is a linear combination of its columns' hashes, and so a sum of them would not notice two rows that swap the values
    /// of a column. Hashing the hash once more makes each row's contribution its own.
    /// </remarks>
    public static string Of(Table table, string alias)
    {
        var values = table.StoredColumns.Select(column => Value(column, alias)).ToArray();
        return values.Length == 0
            ? "0::bigint"
            : $"hashtextextended(hash_record_extended(ROW({string.Join(", ", values)}), 0)::text, 0)";
    }

    /// <summary>The 64-bit hash of a row's key.</summary>
    public static string OfKey(Table table, string alias) =>
        $"hash_record_extended(ROW({string.Join(", ", table.Key.Select(name => Value(table.Column(name)!, alias)))}), 0)";

    // COLLATE "C": text made from a type with its own idea of equality is compared byte by byte.
    static string Value(Column column, string alias)
    {
        var value = $"{alias}.{Sql.Identifier(column.Name)}";
        return column.HashesByValue ? value : $"({value}::text COLLATE \"C\")";
    }
}

/// <summary>Computes digests of one side.</summary>
public static class DigestReader
{
    /// <summary>The digest of the rows that meet a condition on <c>t</c>.</summary>
    public static Task<Digest> ReadAsync(
        NpgsqlConnection connection,
        Table table,
        string condition,
        CancellationToken cancellationToken
    ) => ReadAsync(connection, table, table.From, condition, cancellationToken);

    /// <param name="from">The table, or one partition of it.</param>
    public static async Task<Digest> ReadAsync(
        NpgsqlConnection connection,
        Table table,
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
        Table table,
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
    public static string Bucket(Table table, string alias, int buckets) =>
        $"({RowHash.OfKey(table, alias)} & {(buckets - 1).ToString(CultureInfo.InvariantCulture)})::int";
}
