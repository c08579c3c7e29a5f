using Migrator.Model;

namespace Migrator.Scope;

/// <summary>A sequence.</summary>
/// <param name="OwnerTable">The table of the column that the sequence feeds; null when there is none.</param>
/// <param name="OwnerColumn">That column.</param>
/// <param name="FedColumns">How many columns the sequence feeds, as owner or by default.</param>
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
    long FedColumns,
    IReadOnlyList<string[]> UniqueWith
);
