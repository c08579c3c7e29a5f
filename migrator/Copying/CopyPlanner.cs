using System.Text.Json;
using Migrator.Connections;
using Migrator.Scope;
using Npgsql;

namespace Migrator.Copying;

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
        var explanation = await shared.ExecuteScalarAsync<string>(
            $"EXPLAIN (FORMAT JSON) SELECT * FROM ONLY {leaf.Name.Quoted} t WHERE {condition}",
            cancellationToken
        );
        using var explained = JsonDocument.Parse(explanation!);
        var plan = explained.RootElement[0].GetProperty("Plan");
        var rows = plan.GetProperty("Plan Rows").GetInt64();
        var bytes = rows * plan.GetProperty("Plan Width").GetInt64();
        var whole = new LeafPlan(table, leaf, [new(0, null, null)], rows, bytes);
        if (jobs < 2 || leaf.Pages < 2 * BlocksPerPart || !ReadsWhole(plan, leaf.Name.Name))
            return whole;

        return whole with
        {
            Parts = await PartsAsync(shared, leaf, jobs, cancellationToken),
        };
    }

    static async Task<IReadOnlyList<CopyPart>> PartsAsync(
        NpgsqlConnection shared,
        Leaf leaf,
        int jobs,
        CancellationToken cancellationToken
    )
    {
        var blocks = await shared.ExecuteScalarAsync<long>(
            "SELECT pg_relation_size(CAST(@name AS regclass)) / current_setting('block_size')::int",
            new { name = leaf.Name.Quoted },
            cancellationToken
        );
        var count = (int)Math.Min(jobs * 4, Math.Max(1, blocks / BlocksPerPart));
        var size = (blocks + count - 1) / count;
        return
        [
            .. Enumerable
                .Range(0, count)
                .Select(n => new CopyPart(n, n * size, n == count - 1 ? null : (n + 1) * size)),
        ];
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
