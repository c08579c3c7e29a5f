namespace Migrator.Scope;

/// <summary>A row of catalog-columns.sql.</summary>
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
    public string? Equality { get; init; }

    public Column ToColumn(Dictionary<uint, TypeRow> types) =>
        new(
            Name,
            TypeText,
            NotNull,
            Generated,
            AlwaysIdentity,
            HashesByValue: !Nondeterministic && TypeRow.HashesByValue(Type, types),
            BinaryIsPortable: TypeRow.BinaryIsPortable(Type, types),
            Number,
            Equality
        );
}
