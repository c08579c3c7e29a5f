using Migrator.Model;

namespace Migrator.Scope;

/// <summary>The storage of a table: the table itself, or one partition.</summary>
/// <param name="Pages">8 kB blocks at the last ANALYZE.</param>
public sealed record Leaf(TableName Name, string Kind, long Pages, long Rows, long Bytes, uint Oid);
