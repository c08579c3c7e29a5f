using System.Text.Json;
using Migrator.Connections;
using Migrator.Model;
using Npgsql;

namespace Migrator.Scope;

/// <summary>The user tables of a database and how they hang together, read in one transaction.</summary>
/// <remarks>https://www.postgresql.org/docs/current/catalogs.html</remarks>
public sealed record Catalog(
    IReadOnlyList<TableDefinition> Tables,
    IReadOnlyList<ForeignKey> ForeignKeys,
    IReadOnlyList<Sequence> Sequences
)
{
    public TableDefinition? Find(TableName name) => Tables.FirstOrDefault(table => table.Name == name);

    /// <summary>The catalog as if some tables were not there.</summary>
    public Catalog Without(Func<TableDefinition, bool> others)
    {
        var kept = Tables.Where(table => !others(table)).ToArray();
        var names = kept.Select(table => table.Name).ToHashSet();
        return new(
            kept,
            [.. ForeignKeys.Where(key => names.Contains(key.From) && names.Contains(key.To))],
            [.. Sequences.Where(one => one.OwnerTable is not { } owner || names.Contains(owner))]
        );
    }

    /// <summary>Tables of owners that have nothing to do with the tenants' table.</summary>
    public IReadOnlyList<TableDefinition> Strangers(TableName tenants) =>
        [.. Tables.Where(table => IsStrangers(table, tenants))];

    /// <summary>Whether a table's owner has nothing to do with the tenants' table.</summary>
    public bool IsStrangers(TableDefinition table, TableName tenants) =>
        !table.IsTrusted && table.Owner != Find(tenants)?.Owner;

    public static async Task<Catalog> ReadAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        async Task<List<T>> Query<T>(string file, object? parameters = null) =>
            [.. await connection.QueryAsync<T>(SqlFile.Read(file), parameters, cancellationToken)];

        var relations = await Query<RelationRow>("catalog-tables.sql");
        var columns = (
            await Query<ColumnRow>(
                "catalog-columns.sql",
                new { relations = relations.Select(row => (long)row.Oid).ToArray() }
            )
        ).ToLookup(row => row.Relation);
        var types = (await Query<TypeRow>("catalog-types.sql")).ToDictionary(row => row.Oid);
        var tables = relations
            .Select(row => row.ToTable(columns[row.Oid].Select(column => column.ToColumn(types)).ToArray()))
            .ToArray();
        var names = tables.ToDictionary(table => table.Oid, table => table.Name);

        var keys = (await Query<ForeignKeyRow>("catalog-foreign-keys.sql"))
            .Where(row => names.ContainsKey(row.From) && names.ContainsKey(row.To))
            .Select(row => new ForeignKey(
                row.Name,
                names[row.From],
                names[row.To],
                row.FromColumns,
                row.ToColumns,
                row.Operators,
                row.Deferrable,
                row.OnDelete[0]
            )
            {
                IsDeclared = row.Enforced,
                IsValidated = row.Validated,
                HasPeriod = row.HasPeriod,
            });
        var sequences = (await Query<SequenceRow>("catalog-sequences.sql")).Select(row => new Sequence(
            new(row.Schema, row.Name),
            row.Increment,
            row.Minimum,
            row.Maximum,
            row.Cycles,
            row.Owned,
            row.OwnerTable is { } owner && names.TryGetValue(owner, out var name) ? name : null,
            row.OwnerColumn,
            row.FedColumns,
            JsonSerializer.Deserialize<string[][]>(row.UniqueWith)!
        ));
        return new(tables, [.. keys], [.. sequences]);
    }
}
