using Migrator.Connections;
using Migrator.Model;
using Npgsql;

namespace Migrator.Scope;

/// <summary>
/// Compares the tenant's tables in both databases by name: what has moved apart since the flip would be lost on the way
/// back, or would stop the rollback half way.
/// </summary>
public sealed class SchemaDifference(TenantScope scope, NpgsqlConnection shared, NpgsqlConnection isolated)
{
    /// <summary>Each difference in words. Empty tables of the isolated database alone are none.</summary>
    public async Task<IReadOnlyList<string>> FindAsync(CancellationToken cancellationToken)
    {
        var there = await Catalog.ReadAsync(isolated, cancellationToken);
        var demanding = await DemandingColumnsAsync(cancellationToken);
        var found = new List<string>(await TablesAsync(there, cancellationToken));
        foreach (var table in scope.TenantTables.Select(table => table.Table))
        {
            if (there.Find(table.Name) is not { } other)
                continue;
            if (!other.Owned)
            {
                found.Add($"table {table.Name} belongs to {other.Owner} in the isolated database");
                continue;
            }
            found.AddRange(Columns(table, other, demanding));
            found.AddRange(await PartitionsAsync(table, other, cancellationToken));
        }
        found.AddRange(await LabelsAsync(there, cancellationToken));
        return found;
    }

    /// <summary>Tables and columns of the shared database alone, which a rollback leaves as they are or to their defaults.</summary>
    public async Task<IReadOnlyList<string>> SharedOnlyAsync(CancellationToken cancellationToken)
    {
        var there = await Catalog.ReadAsync(isolated, cancellationToken);
        return
        [
            .. scope.TenantTables.SelectMany(table =>
                there.Find(table.Name) is { } other
                    ? table
                        .Table.StoredColumns.Where(column => other.Column(column.Name) is null)
                        .Select(column => $"column {table.Name}.{column.Name}")
                    : [$"table {table.Name}"]
            ),
        ];
    }

    async Task<IReadOnlyList<string>> TablesAsync(Catalog there, CancellationToken cancellationToken)
    {
        var found = new List<string>();
        var known = scope.Tables.Select(table => table.Name).Concat(scope.Unclassified.Select(table => table.Name));
        // A foreign table's rows are somewhere else.
        foreach (var table in there.Tables.Where(table => !table.IsForeign).ExceptBy(known, table => table.Name))
        {
            // Whoever made it may not let us read it.
            if (!table.Owned)
            {
                found.Add($"table {table.Name}, which belongs to {table.Owner}, is in the isolated database only");
                continue;
            }
            var rows = await isolated.ExecuteScalarAsync<long>($"SELECT count(*) FROM {table.From}", cancellationToken);
            if (rows > 0)
                found.Add($"table {table.Name} ({rows:N0} rows) is in the isolated database only");
        }
        return found;
    }

    static IEnumerable<string> Columns(TableDefinition here, TableDefinition there, ILookup<long, string> demanding)
    {
        foreach (var column in here.Columns)
            if (there.Column(column.Name) is not { } other)
            {
                if (here.Key.Contains(column.Name))
                    yield return $"column {here.Name}.{column.Name}, a part of the key, is in the shared database only";
                else if (demanding[here.Oid].Contains(column.Name))
                    yield return $"column {here.Name}.{column.Name} is in the shared database only, "
                        + "and takes neither null nor a default";
            }
            else if ((other.TypeText, other.Generated) != (column.TypeText, column.Generated))
                yield return $"column {here.Name}.{column.Name} is {Described(column)} in the shared database "
                    + $"and {Described(other)} in the isolated one";
        foreach (
            var column in there.Columns.ExceptBy(here.Columns.Select(column => column.Name), column => column.Name)
        )
            yield return $"column {here.Name}.{column.Name} is in the isolated database only";
    }

    // Columns that an insert has to name.
    async Task<ILookup<long, string>> DemandingColumnsAsync(CancellationToken cancellationToken) =>
        (
            await shared.QueryAsync<(long Table, string Column)>(
                """
                SELECT attrelid::bigint, attname::text FROM pg_attribute
                WHERE attnum > 0 AND NOT attisdropped AND attnotnull AND NOT atthasdef AND attidentity = ''
                  AND attrelid >= 16384
                """,
                cancellationToken
            )
        ).ToLookup(row => row.Table, row => row.Column);

    // Rows for which the shared database has no partition. A hash partition has an expression that is its server's own,
    // and all of them together take every row.
    async Task<IReadOnlyList<string>> PartitionsAsync(
        TableDefinition here,
        TableDefinition there,
        CancellationToken cancellationToken
    )
    {
        var known = here.Leaves.Select(leaf => leaf.Name).ToHashSet();
        if (!here.IsPartitioned || !there.IsPartitioned || there.Leaves.All(leaf => known.Contains(leaf.Name)))
            return [];
        var places = await shared.QueryAsync<string?>(
            """
            SELECT pg_get_partition_constraintdef(tree.relid)
            FROM pg_partition_tree(CAST(@table AS regclass)) tree WHERE tree.isleaf
            """,
            new { table = here.Name.Quoted },
            cancellationToken
        );
        if (places.Any(place => place is null || place.Contains("satisfies_hash_partition", StringComparison.Ordinal)))
            return [];
        var any = places.Count == 0 ? "false" : string.Join(" OR ", places.Select(place => $"({place})"));
        var rows = await isolated.ExecuteScalarAsync<long>(
            $"SELECT count(*) FROM {there.From} WHERE NOT coalesce({any}, false)",
            cancellationToken
        );
        return rows == 0 ? [] : [$"table {here.Name} has no partition for {rows:N0} rows of the isolated database"];
    }

    static string Described(Column column) => column.TypeText + (column.Generated ? " (generated)" : "");

    // No row of the isolated database has a label that only the shared one has.
    async Task<IEnumerable<string>> LabelsAsync(Catalog there, CancellationToken cancellationToken)
    {
        var tables = scope.TenantTables.Select(table => table.Table).ToArray();
        var others = tables.Select(table => there.Find(table.Name)).OfType<TableDefinition>();
        var here = await LabelsAsync(shared, tables, cancellationToken);
        return (await LabelsAsync(isolated, others, cancellationToken))
            .Except(here)
            .Select(label => $"label '{label.Label}' of enum {label.Type} is in the isolated database only");
    }

    static Task<IReadOnlyList<(string Type, string Label)>> LabelsAsync(
        NpgsqlConnection connection,
        IEnumerable<TableDefinition> tables,
        CancellationToken cancellationToken
    ) =>
        connection.QueryAsync<(string Type, string Label)>(
            SqlFile.Read("enum-labels.sql"),
            new { relations = tables.Select(table => (long)table.Oid).ToArray() },
            cancellationToken
        );
}
