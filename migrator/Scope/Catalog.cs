using System.Text.Json;
using Migrator.Connections;
using Migrator.Model;
using Npgsql;

namespace Migrator.Scope;

/// <summary>A column as the copy and the digest see it.</summary>
/// <param name="Generated">Computed by the server: never copied.</param>
/// <param name="AlwaysIdentity">GENERATED ALWAYS AS IDENTITY: an insert needs OVERRIDING SYSTEM VALUE, an update is refused.</param>
/// <param name="HashesByValue">Equal hash means equal value on any server; otherwise the digest takes the value's text.</param>
/// <param name="BinaryIsPortable">The binary form means the same in another database.</param>
public sealed record Column(
    string Name,
    string TypeText,
    bool NotNull,
    bool Generated,
    bool AlwaysIdentity,
    bool HashesByValue,
    bool BinaryIsPortable,
    short Number
)
{
    /// <summary>Two values are equal exactly when their texts are: not so for numeric (1.0 and 1.00), nor under a collation that ignores case.</summary>
    public bool IsEqualAsText =>
        HashesByValue
        && TypeText.Split('(')[0]
            is "uuid"
                or "text"
                or "character varying"
                or "character"
                or "smallint"
                or "integer"
                or "bigint"
                or "boolean"
                or "date"
                or "timestamp"
                or "timestamp without time zone"
                or "timestamp with time zone";
}

/// <summary>The storage of a table: the table itself, or one partition.</summary>
/// <param name="Pages">8 kB blocks at the last ANALYZE.</param>
public sealed record Leaf(TableName Name, string Kind, long Pages, long Rows, long Bytes);

public sealed record ForeignKey(
    string Name,
    TableName From,
    TableName To,
    IReadOnlyList<string> FromColumns,
    IReadOnlyList<string> ToColumns,
    bool Deferrable,
    char OnDelete
);

/// <summary>A sequence; <paramref name="OwnerTable"/> and <paramref name="OwnerColumn"/> tell which column it feeds, if one.</summary>
/// <param name="UniqueWith">The columns of each unique index that the fed column is part of.</param>
public sealed record Sequence(
    TableName Name,
    long Increment,
    long Minimum,
    long Maximum,
    bool Cycles,
    bool Owned,
    TableName? OwnerTable,
    string? OwnerColumn,
    IReadOnlyList<string[]> UniqueWith
);

/// <summary>A table, plain or partitioned, with what the catalog says of it.</summary>
/// <param name="ReplicaIdentity">What a change tells of the old row: d(efault: the primary key), i(ndex), f(ull), n(othing).</param>
/// <param name="Key">Columns of the replica identity's index, of the primary key, or of another unique index without nulls; empty when rows have no name.</param>
/// <param name="Unique">Columns that any unique index or exclusion constraint looks at, those of the key among them.</param>
/// <param name="HasOtherUnique">There are unique indexes or exclusion constraints besides the key's, in the table or in one of its partitions.</param>
public sealed record Table(
    TableName Name,
    uint Oid,
    string Kind,
    bool Unlogged,
    string Owner,
    bool Owned,
    bool RowSecurity,
    bool ForcedRowSecurity,
    string ReplicaIdentity,
    bool HasPrimaryKey,
    IReadOnlyList<Leaf> Leaves,
    IReadOnlyList<Column> Columns,
    IReadOnlyList<string> Key,
    IReadOnlyList<string> Unique,
    bool HasOtherUnique
)
{
    public bool IsPartitioned => Kind == "p";

    public bool IsForeign => Kind == "f" || Leaves.Any(leaf => leaf.Kind == "f");

    /// <summary>
    /// A publication of the table names every changed row by its key, and makes no UPDATE or DELETE fail: without a replica identity, and with
    /// a full one that misses a generated column, it would.
    /// </summary>
    /// <remarks>https://www.postgresql.org/docs/current/logical-replication-publication.html#LOGICAL-REPLICATION-PUBLICATION-REPLICA-IDENTITY</remarks>
    public bool IsStreamable =>
        !Unlogged
        && !IsForeign
        && Key.Count > 0
        && ReplicaIdentity switch
        {
            "d" => HasPrimaryKey,
            "i" => true,
            "f" => HasPrimaryKey && !Columns.Any(column => column.Generated),
            _ => false,
        };

    /// <summary>The table in a FROM clause. ONLY, because a table that inherits is a table of its own in every list of ours.</summary>
    public string From => IsPartitioned ? Name.Quoted : "ONLY " + Name.Quoted;

    public IEnumerable<Column> StoredColumns => Columns.Where(column => !column.Generated);

    public long EstimatedRows => Leaves.Sum(leaf => leaf.Rows);

    public long Bytes => Leaves.Sum(leaf => leaf.Bytes);

    public Column? Column(string name) => Columns.FirstOrDefault(column => column.Name == name);
}

/// <summary>The user tables of a database and how they hang together, read in one transaction.</summary>
/// <remarks>https://www.postgresql.org/docs/current/catalogs.html</remarks>
public sealed record Catalog(
    IReadOnlyList<Table> Tables,
    IReadOnlyList<ForeignKey> ForeignKeys,
    IReadOnlyList<Sequence> Sequences
)
{
    // Types whose hash says all that their value says, on every server alike. Everything else is hashed as text:
    // enums and composites hash by object id, citext and interval call different values equal, json and xml have no hash.
    static readonly HashSet<string> HashedByValue =
    [
        "bool",
        "bytea",
        "char",
        "name",
        "int2",
        "int4",
        "int8",
        "float4",
        "float8",
        "numeric",
        "text",
        "varchar",
        "bpchar",
        "uuid",
        "date",
        "time",
        "timetz",
        "timestamp",
        "timestamptz",
        "jsonb",
        "inet",
        "cidr",
        "macaddr",
        "macaddr8",
        "pg_lsn",
    ];

    public Table? Find(TableName name) => Tables.FirstOrDefault(table => table.Name == name);

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
                row.Deferrable,
                row.OnDelete[0]
            ));
        var sequences = (await Query<SequenceRow>("catalog-sequences.sql")).Select(row => new Sequence(
            new(row.Schema, row.Name),
            row.Increment,
            row.Minimum,
            row.Maximum,
            row.Cycles,
            row.Owned,
            row.OwnerTable is { } owner && names.TryGetValue(owner, out var name) ? name : null,
            row.OwnerColumn,
            JsonSerializer.Deserialize<string[][]>(row.UniqueWith)!
        ));
        return new(tables, [.. keys], [.. sequences]);
    }

    /// <summary>One text for the definition of the whole database: when it differs, somebody ran DDL in between.</summary>
    public static async Task<string> FingerprintAsync(
        NpgsqlConnection connection,
        CancellationToken cancellationToken
    ) => await connection.ExecuteScalarAsync<string>(SqlFile.Read("fingerprint.sql"), cancellationToken) ?? "";

    sealed record LeafJson(string schema, string name, string kind, long pages, long rows, long bytes);

    sealed class RelationRow
    {
        public uint Oid { get; init; }
        public string Schema { get; init; } = "";
        public string Name { get; init; } = "";
        public string Kind { get; init; } = "";
        public bool Unlogged { get; init; }
        public string Owner { get; init; } = "";
        public bool Owned { get; init; }
        public bool RowSecurity { get; init; }
        public bool ForcedRowSecurity { get; init; }
        public string ReplicaIdentity { get; init; } = "";
        public bool HasPrimaryKey { get; init; }
        public string Leaves { get; init; } = "[]";
        public short[]? KeyColumns { get; init; }
        public short[]? UniqueColumns { get; init; }
        public bool HasOtherUnique { get; init; }

        public Table ToTable(Column[] columns) =>
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
                            leaf.bytes
                        )),
                ],
                columns,
                [.. (KeyColumns ?? []).Select(number => columns.Single(column => column.Number == number).Name)],
                [
                    .. columns
                        .Where(column => (UniqueColumns ?? []).Contains(column.Number))
                        .Select(column => column.Name),
                ],
                HasOtherUnique
            );
    }

    sealed class ColumnRow
    {
        public uint Relation { get; init; }
        public short Number { get; init; }
        public string Name { get; init; } = "";
        public uint Type { get; init; }
        public string TypeText { get; init; } = "";
        public bool NotNull { get; init; }
        public bool Generated { get; init; }
        public bool AlwaysIdentity { get; init; }
        public bool Nondeterministic { get; init; }

        public Column ToColumn(Dictionary<uint, TypeRow> types) =>
            new(
                Name,
                TypeText,
                NotNull,
                Generated,
                AlwaysIdentity,
                HashesByValue: !Nondeterministic && TypeRow.HashesByValue(Type, types),
                BinaryIsPortable: TypeRow.BinaryIsPortable(Type, types),
                Number
            );
    }

    sealed class TypeRow
    {
        public uint Oid { get; init; }
        public string Name { get; init; } = "";
        public bool BuiltIn { get; init; }
        public string Kind { get; init; } = "";
        public uint Base { get; init; }
        public uint Element { get; init; }
        public bool Binary { get; init; }
        public uint[] Fields { get; init; } = [];

        public static bool HashesByValue(uint type, Dictionary<uint, TypeRow> types)
        {
            var row = types[type];
            if (row.Kind == "d")
                return HashesByValue(row.Base, types);
            return row.Element != 0
                ? HashesByValue(row.Element, types)
                : row.BuiltIn && HashedByValue.Contains(row.Name);
        }

        // A reg* value travels as an object id, which means another object in another database.
        public static bool BinaryIsPortable(uint type, Dictionary<uint, TypeRow> types)
        {
            var row = types[type];
            if (!row.Binary || (row.BuiltIn && row.Name.StartsWith("reg", StringComparison.Ordinal)))
                return false;
            if (row.Kind == "d")
                return BinaryIsPortable(row.Base, types);
            return (row.Element == 0 || BinaryIsPortable(row.Element, types))
                && row.Fields.All(field => BinaryIsPortable(field, types));
        }
    }

    sealed class ForeignKeyRow
    {
        public string Name { get; init; } = "";
        public uint From { get; init; }
        public uint To { get; init; }
        public string[] FromColumns { get; init; } = [];
        public string[] ToColumns { get; init; } = [];
        public bool Deferrable { get; init; }
        public string OnDelete { get; init; } = "";
    }

    sealed class SequenceRow
    {
        public string Schema { get; init; } = "";
        public string Name { get; init; } = "";
        public long Increment { get; init; }
        public long Minimum { get; init; }
        public long Maximum { get; init; }
        public bool Cycles { get; init; }
        public bool Owned { get; init; }
        public uint? OwnerTable { get; init; }
        public string? OwnerColumn { get; init; }
        public string UniqueWith { get; init; } = "[]";
    }
}
