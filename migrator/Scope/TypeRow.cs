namespace Migrator.Scope;

/// <summary>A row of catalog-types.sql.</summary>
sealed class TypeRow
{
    // Types whose hash says all that their value says, on every server alike. Everything else is hashed as text: enums
    // and composites hash by object id, citext and interval call different values equal, json and xml have no hash.
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
        return row.Element != 0 ? HashesByValue(row.Element, types) : row.BuiltIn && HashedByValue.Contains(row.Name);
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
