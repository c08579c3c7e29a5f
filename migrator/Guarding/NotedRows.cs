namespace Migrator.Guarding;

/// <summary>Equal rows without a key that have come, or have gone.</summary>
/// <param name="Row">The row as PostgreSQL writes it.</param>
/// <param name="Count">How many more there are; negative when rows have gone.</param>
public sealed record NotedRows(string Row, long Count);
