namespace Migrator.Scope;

/// <summary>A row of catalog-foreign-keys.sql.</summary>
sealed class ForeignKeyRow
{
    public string Name { get; init; } = "";
    public uint From { get; init; }
    public uint To { get; init; }
    public string[] FromColumns { get; init; } = [];
    public string[] ToColumns { get; init; } = [];
    public string[] Operators { get; init; } = [];
    public bool Deferrable { get; init; }
    public string OnDelete { get; init; } = "";
    public bool Enforced { get; init; }
    public bool Validated { get; init; }
    public bool HasPeriod { get; init; }
}
