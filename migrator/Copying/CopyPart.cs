using System.Text.Json;
using Migrator.Connections;
using Migrator.Scope;
using Npgsql;

namespace Migrator.Copying;

/// <summary>What one worker copies in one transaction: a leaf table, or a range of its blocks.</summary>
/// <param name="Number">The part's number within its leaf.</param>
/// <param name="FromBlock">First block of the range; null for the whole leaf.</param>
/// <param name="ToBlock">
/// First block after the range; null for the last range, because the table may have grown.
/// </param>
public sealed record CopyPart(int Number, long? FromBlock, long? ToBlock)
{
    /// <summary>The range as a condition on <c>t</c>; a TID range scan reads just these blocks.</summary>
    public string Condition =>
        (FromBlock, ToBlock) switch
        {
            (null, _) => "true",
            ({ } from, null) => $"t.ctid >= '({from},0)'::tid",
            ({ } from, { } to) => $"t.ctid >= '({from},0)'::tid AND t.ctid < '({to},0)'::tid",
        };
}

/// <summary>A leaf table with the parts it is copied in.</summary>
/// <param name="Rows">The tenant's rows, as the planner estimates them.</param>
/// <param name="Bytes">Their size on the wire, as the planner estimates it.</param>
public sealed record LeafPlan(ScopedTable Table, Leaf Leaf, IReadOnlyList<CopyPart> Parts, long Rows, long Bytes)
{
    public bool IsSplit => Parts.Count > 1;
}

/// <summary>Decides which leaves are worth splitting.</summary>
public static class CopyPlanner
{
    // 64 MB: below that a second worker costs more than it brings.
    const long BlocksPerPart = 8192;

    /// <summary>
    /// Estimates a leaf, and splits it when the server would read all of it anyway. When the server would use an index,
    /// the tenant owns a small share, and one worker reads only that.
    /// </summary>
    public static async Task<LeafPlan> PlanAsync(
        NpgsqlConnection shared,
        ScopedTable table,
        Leaf leaf,
        string condition,
        int jobs,
        CancellationToken cancellationToken
    )
    {
        using var explained = JsonDocument.Parse(
            (
                await shared.ExecuteScalarAsync<string>(
                    $"EXPLAIN (FORMAT JSON) SELECT * FROM ONLY {leaf.Name.Quoted} t WHERE {condition}",
                    cancellationToken
                )
            )!
        );
        var plan = explained.RootElement[0].GetProperty("Plan");
        var rows = plan.GetProperty("Plan Rows").GetInt64();
        var whole = new LeafPlan(
            table,
            leaf,
            [new(0, null, null)],
            rows,
            rows * plan.GetProperty("Plan Width").GetInt64()
        );
        if (jobs < 2 || leaf.Pages < 2 * BlocksPerPart || !ReadsWhole(plan, leaf.Name.Name))
            return whole;

        var blocks = await shared.ExecuteScalarAsync<long>(
            "SELECT pg_relation_size(CAST(@name AS regclass)) / current_setting('block_size')::int",
            new { name = leaf.Name.Quoted },
            cancellationToken
        );
        var count = (int)Math.Min(jobs * 4, Math.Max(1, blocks / BlocksPerPart));
        var size = (blocks + count - 1) / count;
        return whole with
        {
            Parts =
            [
                .. Enumerable
                    .Range(0, count)
                    .Select(n => new CopyPart(n, n * size, n == count - 1 ? null : (n + 1) * size)),
            ],
        };
    }

    static bool ReadsWhole(JsonElement plan, string relation) =>
        Scans(plan)
            .Any(node =>
                node.GetProperty("Relation Name").GetString() == relation
                && node.GetProperty("Node Type").GetString() == "Seq Scan"
            );

    static IEnumerable<JsonElement> Scans(JsonElement node)
    {
        if (node.TryGetProperty("Relation Name", out _))
            yield return node;
        if (!node.TryGetProperty("Plans", out var children))
            yield break;
        foreach (var child in children.EnumerateArray())
        foreach (var scan in Scans(child))
            yield return scan;
    }
}
