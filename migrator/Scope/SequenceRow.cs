namespace Migrator.Scope;

/// <summary>A row of catalog-sequences.sql.</summary>
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
    public long FedColumns { get; init; }
    public string UniqueWith { get; init; } = "[]";
}
