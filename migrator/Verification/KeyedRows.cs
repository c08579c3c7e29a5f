using Migrator.Model;
using Migrator.Scope;
using Npgsql;

namespace Migrator.Verification;

/// <summary>Rows as their keys and hashes: read from one side, and held against those of the other.</summary>
static class KeyedRows
{
    // The condition that a row's key is among those that the parameters hold, one array a column.
    public static string HasGivenKey(Column[] columns)
    {
        if (columns is [{ OwnEquality: null } only] && !only.TypeText.EndsWith("[]", StringComparison.Ordinal))
            return $"t.{Sql.Identifier(only.Name)} = ANY ($1::{only.TypeText}[])";
        string List(Func<Column, int, string> text, string separator) => string.Join(separator, columns.Select(text));
        var equal = List(
            (column, i) => $"t.{Sql.Identifier(column.Name)} {column.Equality} k{i}::{column.TypeText}",
            " AND "
        );
        var arrays = List((_, i) => $"${i + 1}::text[]", ", ");
        var names = List((_, i) => $"k{i}", ", ");
        return $"""
            EXISTS (SELECT FROM unnest({arrays}) AS given ({names}) WHERE {equal})
            """;
    }

    // A key as people read it.
    public static string Label(ScopedTable table) =>
        "concat_ws(', ', "
        + string.Join(
            ", ",
            table.Table.Key.Select(name => $"{Sql.Literal(name + "=")} || t.{Sql.Identifier(name)}::text")
        )
        + ")";

    public static async Task<List<(string Key, long Hash)>> HashesAsync(
        NpgsqlConnection connection,
        TableDefinition table,
        string key,
        string condition,
        CancellationToken cancellationToken,
        string[][]? parameters = null
    )
    {
        await using var command = new NpgsqlCommand(
            $"""
            SELECT key, hash
            FROM (SELECT {key} AS key, {RowHash.Of(table, "t")} AS hash FROM {table.From} t WHERE {condition}) named
            ORDER BY key COLLATE "C", hash
            """,
            connection
        );
        foreach (var parameter in parameters ?? [])
            command.Parameters.Add(new() { Value = parameter });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<(string, long)>();
        while (await reader.ReadAsync(cancellationToken))
            rows.Add((reader.GetString(0), reader.GetInt64(1)));
        return rows;
    }

    public static IReadOnlyList<RowDifference> Compare(
        TableName table,
        List<(string Key, long Hash)> shared,
        List<(string Key, long Hash)> isolated,
        int limit
    )
    {
        var differences = new List<RowDifference>();
        for (int s = 0, i = 0; (s < shared.Count || i < isolated.Count) && differences.Count < limit; )
        {
            var order =
                s == shared.Count ? 1
                : i == isolated.Count ? -1
                : string.CompareOrdinal(shared[s].Key, isolated[i].Key);
            if (order < 0)
                differences.Add(new(table, shared[s++].Key, DifferenceKind.Missing));
            else if (order > 0)
                differences.Add(new(table, isolated[i++].Key, DifferenceKind.Extra));
            else
            {
                if (shared[s].Hash != isolated[i].Hash)
                    differences.Add(new(table, shared[s].Key, DifferenceKind.Changed));
                s++;
                i++;
            }
        }
        return differences;
    }
}
