using Migrator.Connections;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Scope;
using Npgsql;

namespace Migrator.Verification;

/// <summary>
/// Compares the tenant's rows in the shared database with <em>all</em> rows of the isolated one: another tenant's row
/// there is a difference like any other.
/// </summary>
/// <param name="at">What both sides are read at.</param>
public sealed class Comparison(Databases databases, TenantScope scope, Tenant tenant, ComparedAt at = default)
{
    // Enough that a bucket of a ten-million-row table is a few thousand rows.
    const int Buckets = 4096;

    const int SampleBuckets = 8;
    const int SampleSize = 10;

    /// <summary>Digests of every copied table, <paramref name="jobs"/> tables at a time, both sides at once.</summary>
    public Task<IReadOnlyList<TableComparison>> DigestsAsync(int jobs, CancellationToken cancellationToken) =>
        DigestsAsync(scope.CopiedTables, jobs, cancellationToken);

    /// <param name="compared">Told of each table.</param>
    /// <param name="before">Awaited before each table.</param>
    public async Task<IReadOnlyList<TableComparison>> DigestsAsync(
        IEnumerable<ScopedTable> tables,
        int jobs,
        CancellationToken cancellationToken,
        Action<TableComparison>? compared = null,
        Func<CancellationToken, ValueTask>? before = null
    )
    {
        await using var isolated = await databases.Isolated.OpenConnectionAsync(cancellationToken);
        var copied = await IsolatedJournal.CopiedDigestsAsync(isolated, cancellationToken);
        var results = new List<TableComparison>();
        // The largest table first, so that the others are not done long before it.
        await Parallel.ForEachAsync(
            tables.OrderByDescending(table => table.Table.Bytes),
            new ParallelOptions { MaxDegreeOfParallelism = jobs, CancellationToken = cancellationToken },
            async (table, token) =>
            {
                if (before is not null)
                    await before(token);
                var result = await DigestAsync(table, KeyRange.Whole, copied, token);
                lock (results)
                    results.Add(result);
                compared?.Invoke(result);
            }
        );
        return [.. results.OrderBy(result => result.Table.Name)];
    }

    /// <summary>Digests of one range of a table's keys.</summary>
    public async Task<TableComparison> DigestAsync(
        ScopedTable table,
        KeyRange keys,
        CancellationToken cancellationToken
    )
    {
        await using var isolated = await databases.Isolated.OpenConnectionAsync(cancellationToken);
        var copied = await IsolatedJournal.CopiedDigestsAsync(isolated, cancellationToken);
        return await DigestAsync(table, keys, copied, cancellationToken);
    }

    /// <summary>Digests of everybody's rows in the tenant's tables, which change in the shared database at any time.</summary>
    public async Task<IReadOnlyList<TableComparison>> OfEverybodyAsync(CancellationToken cancellationToken)
    {
        await using var shared = await OpenSharedAsync(cancellationToken);
        await using var isolated = await OpenIsolatedAsync(cancellationToken);
        var copied = await IsolatedJournal.CopiedDigestsAsync(isolated, cancellationToken);
        var results = new List<TableComparison>();
        foreach (var table in scope.TenantTables.Where(table => table.IsStreamed || !at.LiveReferences))
            if (scope.ComesAlong(table, "t") is { } along)
                results.Add(
                    new(
                        table,
                        new(
                            at.LiveReferences
                                ? await DigestReader.ReadAsync(shared, table.Table, along, cancellationToken)
                                : Copied(table, copied)
                        ),
                        await DigestReader.ReadAsync(isolated, table.Table, along, cancellationToken)
                    )
                );
        return results;
    }

    /// <exception cref="MigratorException"><see cref="ExitCode.Different"/>, with rows named by their keys.</exception>
    public async Task RequireEqualAsync(
        IReadOnlyList<TableComparison> results,
        Slug slug,
        CancellationToken cancellationToken,
        bool flipped = false
    )
    {
        var differing = results.Where(result => !result.IsEqual).ToArray();
        if (differing.Length == 0)
            return;
        var rows = new List<RowDifference>();
        foreach (var result in differing)
            rows.AddRange(await RowsAsync(result.Table, SampleSize, cancellationToken, result.Keys));
        throw VerificationMessages.Different(
            slug,
            [
                .. differing
                    .Select(result => result.Table.Name)
                    .Distinct()
                    .Select(name => results.Where(result => result.Table.Name == name).ToArray())
                    .Select(table =>
                        (table[0].Table.Name, table.Sum(one => one.Shared.Rows), table.Sum(one => one.Isolated.Rows))
                    ),
            ],
            [.. rows.Select(row => row.ToString())],
            flipped
        );
    }

    /// <summary>Digests of the tenant's rows in the shared database alone.</summary>
    public Task<RecordedTable> SharedDigestAsync(ScopedTable table, CancellationToken cancellationToken) =>
        SharedDigestAsync(table, KeyRange.Whole, cancellationToken);

    async Task<RecordedTable> SharedDigestAsync(ScopedTable table, KeyRange keys, CancellationToken cancellationToken)
    {
        await using var connection = await OpenSharedAsync(cancellationToken);
        return await DigestReader.RecordAsync(
            connection,
            table.Table,
            scope.ConditionOfAll(table, tenant.Id) + keys.And(table.Table, "t"),
            cancellationToken
        );
    }

    /// <summary>Each row of the tenant in the shared database stands in the isolated one as it is; that may have more.</summary>
    public async Task<bool> IsolatedHasAllAsync(ScopedTable table, CancellationToken cancellationToken)
    {
        await using var shared = await OpenSharedAsync(cancellationToken);
        await using var isolated = await OpenIsolatedAsync(cancellationToken);
        var condition = scope.Condition(table, "t", tenant.Id);
        var key = table.Table.Key.Count > 0 ? KeyedRows.Label(table) : $"'row hash ' || {RowHash.Of(table.Table, "t")}";
        var within = "true";
        if (table.Table.Key.Count > 0)
        {
            var differing = await DifferingBucketsAsync(shared, isolated, table, cancellationToken);
            within = InBuckets(table.Table, "t", differing);
        }
        var here = await KeyedRows.HashesAsync(
            shared,
            table.Table,
            key,
            $"{condition} AND {within}",
            cancellationToken
        );
        var arrived = $"{scope.Arrived(table, "t")} AND {within}";
        var there = await KeyedRows.HashesAsync(isolated, table.Table, key, arrived, cancellationToken);
        return KeyedRows.Compare(table.Name, here, there, int.MaxValue).All(row => row.Kind == DifferenceKind.Extra);
    }

    /// <summary>The rows in which a table differs; at most <paramref name="limit"/>.</summary>
    /// <param name="keys">Of this range only.</param>
    public async Task<IReadOnlyList<RowDifference>> RowsAsync(
        ScopedTable table,
        int limit,
        CancellationToken cancellationToken,
        KeyRange? keys = null
    )
    {
        await using var shared = await OpenSharedAsync(cancellationToken);
        await using var isolated = await OpenIsolatedAsync(cancellationToken);
        var (key, within) = ($"'row hash ' || {RowHash.Of(table.Table, "t")}", "true");
        if (table.Table.Key.Count > 0)
        {
            var differing = await DifferingBucketsAsync(shared, isolated, table, cancellationToken, keys);
            (key, within) = (KeyedRows.Label(table), InBuckets(table.Table, "t", [.. differing.Take(SampleBuckets)]));
            within += keys?.And(table.Table, "t");
        }
        var ours = $"{scope.Condition(table, "t", tenant.Id)} AND {within}";
        return KeyedRows.Compare(
            table.Name,
            await KeyedRows.HashesAsync(shared, table.Table, key, ours, cancellationToken),
            await KeyedRows.HashesAsync(
                isolated,
                table.Table,
                key,
                $"{scope.Arrived(table, "t")} AND {within}",
                cancellationToken
            ),
            limit
        );
    }

    /// <summary>Of the rows with these keys, those that differ.</summary>
    /// <param name="keys">Keys as text, by the table's key columns.</param>
    public async Task<IReadOnlyList<RowDifference>> RowsAsync(
        ScopedTable table,
        IReadOnlyList<string[]> keys,
        int limit,
        CancellationToken cancellationToken
    )
    {
        await using var shared = await OpenSharedAsync(cancellationToken);
        await using var isolated = await OpenIsolatedAsync(cancellationToken);
        var columns = table.Table.Key.Select(name => table.Table.Column(name)!).ToArray();
        var arrays = Enumerable.Range(0, columns.Length).Select(i => keys.Select(key => key[i]).ToArray()).ToArray();
        var within = KeyedRows.HasGivenKey(columns);
        var here = KeyedRows.HashesAsync(
            shared,
            table.Table,
            KeyedRows.Label(table),
            $"{scope.Condition(table, "t", tenant.Id)} AND {within}",
            cancellationToken,
            arrays
        );
        var there = KeyedRows.HashesAsync(
            isolated,
            table.Table,
            KeyedRows.Label(table),
            $"{scope.Arrived(table, "t")} AND {within}",
            cancellationToken,
            arrays
        );
        await Task.WhenAll(here, there);
        return KeyedRows.Compare(table.Name, await here, await there, limit);
    }

    /// <summary>The buckets of keys in which the two sides differ; empty when the table is equal.</summary>
    public async Task<IReadOnlyList<int>> DifferingBucketsAsync(
        NpgsqlConnection shared,
        NpgsqlConnection isolated,
        ScopedTable table,
        CancellationToken cancellationToken,
        KeyRange? keys = null
    )
    {
        var among = keys?.And(table.Table, "t");
        var sharedSide = DigestReader.ReadBucketsAsync(
            shared,
            table.Table,
            scope.ConditionOfAll(table, tenant.Id) + among,
            Buckets,
            cancellationToken
        );
        var isolatedSide = DigestReader.ReadBucketsAsync(
            isolated,
            table.Table,
            scope.Arrived(table, "t") + among,
            Buckets,
            cancellationToken
        );
        await Task.WhenAll(sharedSide, isolatedSide);
        var (left, right) = (await sharedSide, await isolatedSide);
        return
        [
            .. left
                .Keys.Union(right.Keys)
                .Where(bucket => left.GetValueOrDefault(bucket) != right.GetValueOrDefault(bucket))
                .Order(),
        ];
    }

    /// <summary>The condition that a row, seen as <paramref name="alias"/>, lies in one of the buckets.</summary>
    public static string InBuckets(TableDefinition table, string alias, IReadOnlyList<int> buckets) =>
        $"{DigestReader.Bucket(table, alias, Buckets)} = ANY (ARRAY[{string.Join(", ", buckets)}]::int[])";

    Task<NpgsqlConnection> OpenSharedAsync(CancellationToken cancellationToken) =>
        OpenAsync(databases.Shared, at.Shared, cancellationToken);

    Task<NpgsqlConnection> OpenIsolatedAsync(CancellationToken cancellationToken) =>
        OpenAsync(databases.Isolated, at.Isolated, cancellationToken);

    // The transaction ends when the connection goes back to its pool.
    static async Task<NpgsqlConnection> OpenAsync(
        NpgsqlDataSource database,
        string? snapshot,
        CancellationToken cancellationToken
    )
    {
        var connection = await database.OpenConnectionAsync(cancellationToken);
        if (snapshot is not null)
            await Snapshots.BeginAsync(connection, snapshot, cancellationToken);
        return connection;
    }

    static Digest Copied(ScopedTable table, IReadOnlyDictionary<string, Digest> copied) =>
        table.Table.Leaves.Aggregate(
            new Digest(0, "0"),
            (sum, leaf) => sum + copied.GetValueOrDefault(leaf.Name.ToString(), new(-1, "0"))
        );

    async Task<TableComparison> DigestAsync(
        ScopedTable table,
        KeyRange keys,
        IReadOnlyDictionary<string, Digest> copied,
        CancellationToken cancellationToken
    )
    {
        await using var isolated = await OpenIsolatedAsync(cancellationToken);
        var arrived = scope.Arrived(table, "t") + keys.And(table.Table, "t");
        var there = DigestReader.ReadAsync(isolated, table.Table, arrived, cancellationToken);
        // A reference table may change in the shared database at any time, so it is compared with what its copy saw.
        var here =
            table.Scope is TableScope.Reference or TableScope.Shared && !(at.LiveReferences && table.Table.IsStreamable)
                ? Task.FromResult(new RecordedTable(Copied(table, copied)))
                : SharedDigestAsync(table, keys, cancellationToken);
        await Task.WhenAll(there, here);
        return new(table, await here, await there) { Keys = keys };
    }
}
