namespace Migrator.Scope;

/// <summary>A table in the plan; rows and bytes are the tenant's, as the planner estimates them.</summary>
public sealed record PlannedTable(ScopedTable Table, long Rows, long Bytes);
