using System.Collections.Concurrent;
using Migrator.Connections;
using Migrator.Model;
using Migrator.Scope;
using Npgsql;

namespace Migrator.Verification;

/// <summary>A table of the shared database, held against what was recorded at the flip.</summary>
/// <param name="Then">The recorded rows, without those of partitions that are gone; null if nothing was recorded.</param>
/// <param name="IsUntouched">No session has written the tenant's rows since. A migration writes none.</param>
public sealed record FlippedTable(ScopedTable Table, Digest Now, Digest? Then, bool IsUntouched)
{
    public override string ToString() =>
        Then is { } then
            ? $"{Table.Name} ({then.Rows:N0} rows recorded, {Now.Rows:N0} now)"
            : $"{Table.Name} (nothing recorded, {Now.Rows:N0} rows now)";
}

/// <summary>
/// Finds out whether the tenant's rows in the shared database are still those of the flip. The recorded columns are
/// compared, whatever their names and types are by now; columns that came later are not. If that cannot be computed, as
/// when a column was dropped, each row must be of a transaction that had ended before the flip, or of one that changed
/// the table's definition.
/// </summary>
public sealed class FlippedRows(
    Databases databases,
    TenantScope scope,
    Tenant tenant,
    IReadOnlyDictionary<string, RecordedTable> recorded
)
{
    // A table without partitions is its own only part.
    const uint Whole = 0;

    const string NoHash = "NULL::bigint";

    // A snapshot that sees no transaction.
    const string Nothing = "3:3:";

    static readonly Digest None = new(0, "0");

    /// <summary>All of the tenant's tables, apart from the tenant's own row, which the flip itself changes.</summary>
    public async Task<IReadOnlyList<FlippedTable>> CheckAsync(int jobs, CancellationToken cancellationToken)
    {
        var results = new ConcurrentBag<FlippedTable>();
        await Parallel.ForEachAsync(
            scope.TenantTables.Where(table => table.Scope != TableScope.Root),
            new ParallelOptions { MaxDegreeOfParallelism = jobs, CancellationToken = cancellationToken },
            async (table, token) => results.Add(await CheckAsync(table, token))
        );
        return [.. results.OrderBy(result => result.Table.Name)];
    }

    async Task<FlippedTable> CheckAsync(ScopedTable table, CancellationToken cancellationToken)
    {
        await using var shared = await databases.Shared.OpenConnectionAsync(cancellationToken);
        var condition = scope.Condition(table, "t", tenant.Id);
        if (Recorded(table.Table) is not { } then)
        {
            var rows = await DigestReader.ReadAsync(shared, table.Table, condition, cancellationToken);
            // A migration may have filled a table that it created.
            var young = await HasYoungAsync(shared, table.Table.From, condition, Nothing, cancellationToken);
            return new(table, rows, null, !young);
        }
        var now = await ReadAsync(shared, table.Table, then.Detail, condition, cancellationToken);
        var gone = then.Parts.Keys.Except(now.Keys).ToArray();
        var open = now.Where(part => then.Parts.GetValueOrDefault(part.Key, None) != part.Value).ToArray();
        var untouched =
            Sum(open.Select(part => part.Value))
                == Sum(
                    open.Select(part => part.Key)
                        .Concat(open.Length > 0 ? gone : [])
                        .Select(part => then.Parts.GetValueOrDefault(part, None))
                )
            || await AreOldAsync(shared, table.Table, open, then, condition, cancellationToken);
        var expected = untouched
            ? now.Values
            : then.Parts.Where(part => now.ContainsKey(part.Key)).Select(p => p.Value);
        return new(table, Sum(now.Values), Sum(expected), untouched);
    }

    // By name, by object id after ALTER TABLE … RENAME, or as a partition that stands alone by now.
    Part? Recorded(TableDefinition table)
    {
        var same =
            recorded.GetValueOrDefault(table.Name.ToString())
            ?? recorded.Values.FirstOrDefault(one => one.Detail?.Oid == table.Oid);
        if (same is not null)
            return new(
                same.Detail,
                same.Detail is { Partitions.Count: > 0 } detail
                    ? detail.Partitions
                    : new Dictionary<uint, Digest> { [Whole] = same.Digest }
            );
        foreach (var detail in recorded.Values.Select(one => one.Detail).OfType<RecordedDetail>())
            if (detail.Partitions.TryGetValue(table.Oid, out var digest))
                return new(detail, new Dictionary<uint, Digest> { [Whole] = digest });
        return null;
    }

    // Rows of every part that exists, with a digest that means nothing when the recorded one cannot be computed again.
    static async Task<IReadOnlyDictionary<uint, Digest>> ReadAsync(
        NpgsqlConnection shared,
        TableDefinition table,
        RecordedDetail? then,
        string condition,
        CancellationToken cancellationToken
    )
    {
        var hash = then is null ? RowHash.Of(table, "t") : RowHash.AsRecorded(table, then, "t");
        IReadOnlyDictionary<uint, Digest> found;
        try
        {
            found = await DigestReader.ReadPartsAsync(shared, table, hash ?? NoHash, condition, cancellationToken);
        }
        catch (PostgresException e) when (e.SqlState is ['2', '2', ..] or ['4', '2', ..])
        {
            // A value has no place in its column's former type, or the type is gone.
            found = await DigestReader.ReadPartsAsync(shared, table, NoHash, condition, cancellationToken);
        }
        return table.IsPartitioned && then is { Partitions.Count: > 0 }
            ? table.Leaves.ToDictionary(leaf => leaf.Oid, leaf => found.GetValueOrDefault(leaf.Oid, None))
            : new Dictionary<uint, Digest> { [Whole] = Sum(found.Values) };
    }

    static async Task<bool> AreOldAsync(
        NpgsqlConnection shared,
        TableDefinition table,
        IReadOnlyList<KeyValuePair<uint, Digest>> parts,
        Part then,
        string condition,
        CancellationToken cancellationToken
    )
    {
        if (then.Detail is null)
            return false;
        foreach (var (oid, now) in parts)
        {
            if (!then.Parts.TryGetValue(oid, out var recorded) || recorded.Rows != now.Rows)
                return false;
            var leaf = table.Leaves.FirstOrDefault(leaf => leaf.Oid == oid);
            var part = leaf is null ? table.From : "ONLY " + leaf.Name.Quoted;
            if (await HasYoungAsync(shared, part, condition, then.Detail.Snapshot, cancellationToken))
                return false;
        }
        return true;
    }

    // xmin has 32 bits: the youngest transaction with those bits is meant. A rewrite of the table gives each row the
    // transaction that also changed pg_attribute or pg_class.
    static Task<bool> HasYoungAsync(
        NpgsqlConnection shared,
        string part,
        string condition,
        string snapshot,
        CancellationToken cancellationToken
    ) =>
        shared.ExecuteScalarAsync<bool>(
            $"""
            SELECT EXISTS (
                SELECT FROM {part} t,
                     (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next) now
                WHERE {condition}
                  AND NOT pg_visible_in_snapshot(
                      (next - ((next - t.xmin::text::bigint) & 4294967295))::text::xid8, CAST(@snapshot AS pg_snapshot))
                  AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = t.tableoid AND a.xmin = t.xmin)
                  AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = t.tableoid AND c.xmin = t.xmin))
            """,
            new { snapshot },
            cancellationToken
        );

    static Digest Sum(IEnumerable<Digest> digests) => digests.Aggregate(None, (sum, digest) => sum + digest);

    sealed record Part(RecordedDetail? Detail, IReadOnlyDictionary<uint, Digest> Parts);
}
