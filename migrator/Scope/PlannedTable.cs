namespace Migrator.Scope;

/// <summary>A table as the plan shows it; rows and bytes are the tenant's, by the planner's estimate.</summary>
public sealed record PlannedTable(ScopedTable Table, long Rows, long Bytes);
