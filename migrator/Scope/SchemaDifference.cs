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
        return
        [
            .. await TablesAsync(there, cancellationToken),
            .. scope.TenantTables.SelectMany(table => Columns(table.Table, there.Find(table.Name))),
            .. await LabelsAsync(there, cancellationToken),
        ];
    }

    async Task<IReadOnlyList<string>> TablesAsync(Catalog there, CancellationToken cancellationToken)
    {
        var found = scope
            .TenantTables.Where(table => there.Find(table.Name) is null)
            .Select(table => $"table {table.Name} is in the shared database only")
            .ToList();
        var known = scope.Tables.Select(table => table.Name).Concat(scope.Unclassified.Select(table => table.Name));
        // A foreign table's rows are somewhere else.
        foreach (var table in there.Tables.Where(table => !table.IsForeign).ExceptBy(known, table => table.Name))
        {
            var rows = await isolated.ExecuteScalarAsync<long>($"SELECT count(*) FROM {table.From}", cancellationToken);
            if (rows > 0)
                found.Add($"table {table.Name} ({rows:N0} rows) is in the isolated database only");
        }
        return found;
    }

    static IEnumerable<string> Columns(TableDefinition here, TableDefinition? there)
    {
        if (there is null)
            yield break;
        foreach (var column in here.Columns)
            if (there.Column(column.Name) is not { } other)
                yield return $"column {here.Name}.{column.Name} is in the shared database only";
            else if ((other.TypeText, other.Generated) != (column.TypeText, column.Generated))
                yield return $"column {here.Name}.{column.Name} is {Described(column)} in the shared database "
                    + $"and {Described(other)} in the isolated one";
        foreach (
            var column in there.Columns.ExceptBy(here.Columns.Select(column => column.Name), column => column.Name)
        )
            yield return $"column {here.Name}.{column.Name} is in the isolated database only";
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
