using Migrator.Connections;
using Migrator.Journal;
using Migrator.Model;
using Migrator.Scope;
using Npgsql;

namespace Migrator.Verification;

/// <summary>A table's digests on both sides.</summary>
public sealed record TableComparison(ScopedTable Table, Digest Shared, Digest Isolated)
{
    public bool IsEqual => Shared == Isolated;
}

/// <summary>One row that is not the same on both sides, named by its key.</summary>
public sealed record RowDifference(TableName Table, string Key, DifferenceKind Kind);

public enum DifferenceKind
{
    /// <summary>In the shared database only.</summary>
    Missing,

    /// <summary>In the isolated database only.</summary>
    Extra,

    /// <summary>On both sides, with different values.</summary>
    Changed,
}

/// <summary>
/// Compares the tenant's rows in the shared database with *all* rows of the isolated one: a foreign row there is a difference like any other.
/// </summary>
public sealed class Comparison(Databases databases, TenantScope scope, Tenant tenant)
{
    // Enough that a bucket of a ten-million-row table is a few thousand rows.
    const int Buckets = 4096;

    const int SampleBuckets = 8;

    /// <summary>Digests of every copied table, <paramref name="jobs"/> tables at a time, both sides at once.</summary>
    public async Task<IReadOnlyList<TableComparison>> DigestsAsync(int jobs, Action<TableComparison>? each, CancellationToken cancel)
    {
        await using var isolated = await databases.Isolated.OpenConnectionAsync(cancel);
        var copied = await IsolatedJournal.CopiedDigestsAsync(isolated, cancel);
        var results = new List<TableComparison>();
        // The largest first: the end is not spent waiting for one of them.
        await Parallel.ForEachAsync(
            scope.CopiedTables.OrderByDescending(table => table.Table.Bytes),
            new ParallelOptions { MaxDegreeOfParallelism = jobs, CancellationToken = cancel },
            async (table, token) =>
            {
                var result = await DigestAsync(table, copied, token);
                lock (results) results.Add(result);
                each?.Invoke(result);
            });
        return [.. results.OrderBy(result => result.Table.Name)];
    }

    /// <summary>Digests of the tenant's rows in the shared database alone.</summary>
    public async Task<Digest> SharedDigestAsync(ScopedTable table, CancellationToken cancel)
    {
        await using var connection = await databases.Shared.OpenConnectionAsync(cancel);
        return await DigestReader.ReadAsync(connection, table.Table, scope.Condition(table, "t", tenant.Key), cancel);
    }

    /// <summary>The rows in which a table differs; at most <paramref name="limit"/>.</summary>
    public async Task<IReadOnlyList<RowDifference>> RowsAsync(ScopedTable table, int limit, CancellationToken cancel)
    {
        await using var shared = await databases.Shared.OpenConnectionAsync(cancel);
        await using var isolated = await databases.Isolated.OpenConnectionAsync(cancel);
        var condition = scope.Condition(table, "t", tenant.Key);
        if (table.Table.Key.Count == 0) return Compare(
            table.Name,
            await HashesAsync(shared, table.Table, $"'row hash ' || {RowHash.Of(table.Table, "t")}", condition, cancel),
            await HashesAsync(isolated, table.Table, $"'row hash ' || {RowHash.Of(table.Table, "t")}", "true", cancel), limit);

        var differing = await DifferingBucketsAsync(shared, isolated, table, cancel);
        var within = $"{DigestReader.Bucket(table.Table, "t", Buckets)} = ANY (ARRAY[{string.Join(", ", differing.Take(SampleBuckets))}])";
        var key = "concat_ws(', ', " + string.Join(", ", table.Table.Key.Select(name => $"{Sql.Literal(name + "=")} || t.{Sql.Identifier(name)}::text")) + ")";
        return Compare(
            table.Name,
            await HashesAsync(shared, table.Table, key, $"{condition} AND {within}", cancel),
            await HashesAsync(isolated, table.Table, key, within, cancel), limit);
    }

    /// <summary>The buckets of keys in which the two sides differ; empty when the table is equal.</summary>
    public async Task<IReadOnlyList<int>> DifferingBucketsAsync(
        NpgsqlConnection shared, NpgsqlConnection isolated, ScopedTable table, CancellationToken cancel)
    {
        var sharedSide = DigestReader.ReadBucketsAsync(shared, table.Table, scope.Condition(table, "t", tenant.Key), Buckets, cancel);
        var isolatedSide = DigestReader.ReadBucketsAsync(isolated, table.Table, "true", Buckets, cancel);
        await Task.WhenAll(sharedSide, isolatedSide);
        var (left, right) = (await sharedSide, await isolatedSide);
        return [.. left.Keys.Union(right.Keys).Where(bucket => left.GetValueOrDefault(bucket) != right.GetValueOrDefault(bucket)).Order()];
    }

    /// <summary>The condition that a row, seen as <paramref name="alias"/>, lies in one of the buckets.</summary>
    public static string InBuckets(Table table, string alias, IReadOnlyList<int> buckets) =>
        $"{DigestReader.Bucket(table, alias, Buckets)} = ANY (ARRAY[{string.Join(", ", buckets)}]::int[])";

    async Task<TableComparison> DigestAsync(ScopedTable table, IReadOnlyDictionary<string, Digest> copied, CancellationToken cancel)
    {
        await using var isolated = await databases.Isolated.OpenConnectionAsync(cancel);
        var there = DigestReader.ReadAsync(isolated, table.Table, "true", cancel);
        // A reference table may change in S at any time, so T is held against what its copy saw.
        var here = table.Belonging == Belonging.Reference
            ? Task.FromResult(table.Table.Leaves.Aggregate(
                new Digest(0, "0"), (sum, leaf) => sum + copied.GetValueOrDefault(leaf.Name.ToString(), new(-1, "0"))))
            : SharedDigestAsync(table, cancel);
        await Task.WhenAll(there, here);
        return new(table, await here, await there);
    }

    static async Task<List<(string Key, long Hash)>> HashesAsync(
        NpgsqlConnection connection, Table table, string key, string condition, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(
            $"SELECT key, hash FROM (SELECT {key} AS key, {RowHash.Of(table, "t")} AS hash FROM {table.From} t WHERE {condition}) named ORDER BY key COLLATE \"C\", hash", connection);
        await using var reader = await command.ExecuteReaderAsync(cancel);
        var rows = new List<(string, long)>();
        while (await reader.ReadAsync(cancel)) rows.Add((reader.GetString(0), reader.GetInt64(1)));
        return rows;
    }

    static IReadOnlyList<RowDifference> Compare(TableName table, List<(string Key, long Hash)> shared, List<(string Key, long Hash)> isolated, int limit)
    {
        var differences = new List<RowDifference>();
        for (int s = 0, i = 0; (s < shared.Count || i < isolated.Count) && differences.Count < limit;)
        {
            var order = s == shared.Count ? 1 : i == isolated.Count ? -1 : string.CompareOrdinal(shared[s].Key, isolated[i].Key);
            if (order < 0) differences.Add(new(table, shared[s++].Key, DifferenceKind.Missing));
            else if (order > 0) differences.Add(new(table, isolated[i++].Key, DifferenceKind.Extra));
            else
            {
                if (shared[s].Hash != isolated[i].Hash) differences.Add(new(table, shared[s].Key, DifferenceKind.Changed));
                s++;
                i++;
            }
        }
        return differences;
    }
}
