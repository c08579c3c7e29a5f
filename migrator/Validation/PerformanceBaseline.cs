using Migrator.Connections;
using Migrator.Model;
using Migrator.Scope;
using Npgsql;

namespace Migrator.Validation;

/// <summary>
/// How long a look-up by key and a tenant-wide query take on both sides, as a baseline for later complaints.
/// </summary>
public static class PerformanceBaseline
{
    const int Samples = 20;

    // A person reads the list; small tables would make it long, and tell nothing.
    const int MostTables = 50;

    public static async Task<IReadOnlyList<Check>> CheckAsync(
        Databases databases,
        TenantScope scope,
        Tenant tenant,
        TimeProvider clock,
        CancellationToken cancellationToken
    )
    {
        await using var shared = await databases.Shared.OpenConnectionAsync(cancellationToken);
        await using var isolated = await databases.Isolated.OpenConnectionAsync(cancellationToken);
        var checks = new List<Check>();
        foreach (var table in Largest(scope))
        {
            var condition = scope.Condition(table, "t", tenant.Id);
            var wide =
                $"SELECT count(*) FROM (SELECT FROM {table.Table.From} t WHERE {condition} LIMIT 1000) AS sample";
            var detail = $"tenant-wide {await CompareAsync(shared, isolated, [wide], clock, cancellationToken)}";
            if (await LookUpsAsync(isolated, table.Table, cancellationToken) is { Length: > 0 } byKey)
                detail = $"by key {await CompareAsync(shared, isolated, byKey, clock, cancellationToken)}; {detail}";
            checks.Add(new("performance", table.Name.ToString(), CheckOutcome.Measured, detail));
        }
        return checks;
    }

    // Values as the isolated side writes them, cast back to the column's type; a prepared look-up would need a parameter
    // for every type.
    static async Task<string[]> LookUpsAsync(
        NpgsqlConnection isolated,
        TableDefinition table,
        CancellationToken cancellationToken
    )
    {
        if (table.Key.Count == 0)
            return [];
        var key = string.Join(
            " || ' AND ' || ",
            table.Key.Select(name =>
                $"{Sql.Literal($"t.{Sql.Identifier(name)} {table.Column(name)!.Equality} ")} || "
                + $"quote_literal(t.{Sql.Identifier(name)}::text) || "
                + Sql.Literal("::" + table.Column(name)!.TypeText)
            )
        );
        var keys = await isolated.QueryAsync<string>(
            $"SELECT {key} FROM {table.From} t LIMIT {Samples}",
            cancellationToken
        );
        return [.. keys.Select(one => $"SELECT octet_length(t::text) FROM {table.From} t WHERE {one}")];
    }

    static IEnumerable<ScopedTable> Largest(TenantScope scope) =>
        scope
            .TenantTables.Where(table => table.Scope != TableScope.Root)
            .OrderByDescending(table => table.Table.Bytes)
            .Take(MostTables)
            .OrderBy(table => table.Name);

    static async Task<string> CompareAsync(
        NpgsqlConnection shared,
        NpgsqlConnection isolated,
        string[] queries,
        TimeProvider clock,
        CancellationToken cancellationToken
    )
    {
        var (s, i) = (
            await MeasureAsync(shared, queries, clock, cancellationToken),
            await MeasureAsync(isolated, queries, clock, cancellationToken)
        );
        return $"p50 {s.P50:0.00} → {i.P50:0.00} ms, p95 {s.P95:0.00} → {i.P95:0.00} ms";
    }

    static async Task<(double P50, double P95)> MeasureAsync(
        NpgsqlConnection connection,
        string[] queries,
        TimeProvider clock,
        CancellationToken cancellationToken
    )
    {
        await connection.ExecuteAsync(queries[0], cancellationToken);
        var times = new double[Samples];
        for (var n = 0; n < Samples; n++)
        {
            var start = clock.GetTimestamp();
            await connection.ExecuteAsync(queries[n % queries.Length], cancellationToken);
            times[n] = clock.GetElapsedTime(start).TotalMilliseconds;
        }
        Array.Sort(times);
        return (times[Samples / 2], times[(int)(Samples * 0.95)]);
    }
}
