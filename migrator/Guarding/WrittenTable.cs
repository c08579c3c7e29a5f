using Migrator.Model;

namespace Migrator.Guarding;

/// <summary>A table of which rows are deleted or changed.</summary>
/// <param name="Kept">The columns that no write changes; none where rows go.</param>
public sealed record WrittenTable(TableName Table, params IReadOnlyList<string> Kept);
