using System.Text.Json;

namespace Migrator.Scope;

/// <summary>A row of catalog-tables.sql.</summary>
sealed class RelationRow
{
    public uint Oid { get; init; }
    public string Schema { get; init; } = "";
    public string Name { get; init; } = "";
    public string Kind { get; init; } = "";
    public bool Unlogged { get; init; }
    public string Owner { get; init; } = "";
    public bool Owned { get; init; }
    public bool Trusted { get; init; }
    public bool RowSecurity { get; init; }
    public bool ForcedRowSecurity { get; init; }
    public string ReplicaIdentity { get; init; } = "";
    public bool HasPrimaryKey { get; init; }
    public string Leaves { get; init; } = "[]";
    public short[]? KeyColumns { get; init; }
    public bool KeyExcludes { get; init; }
    public short[]? UniqueColumns { get; init; }
    public bool HasOtherUnique { get; init; }
    public bool HasLateTriggers { get; init; }

    public TableDefinition ToTable(Column[] columns) =>
        new(
            new(Schema, Name),
            Oid,
            Kind,
            Unlogged,
            Owner,
            Owned,
            RowSecurity,
            ForcedRowSecurity,
            ReplicaIdentity,
            HasPrimaryKey,
            [
                .. JsonSerializer
                    .Deserialize<LeafJson[]>(Leaves)!
                    .Select(leaf => new Leaf(
                        new(leaf.schema, leaf.name),
                        leaf.kind,
                        leaf.pages,
                        leaf.rows,
                        leaf.bytes,
                        leaf.oid
                    )),
            ],
            columns,
            [.. (KeyColumns ?? []).Select(number => columns.Single(column => column.Number == number).Name)],
            [.. columns.Where(column => (UniqueColumns ?? []).Contains(column.Number)).Select(column => column.Name)],
            HasOtherUnique,
            HasLateTriggers
        )
        {
            KeyExcludes = KeyExcludes,
            IsTrusted = Trusted,
        };

    sealed record LeafJson(string schema, string name, string kind, long pages, long rows, long bytes, uint oid);
}
