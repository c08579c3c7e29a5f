namespace Migrator.Tests.Online.Stress;

/// <summary>A row as the database returned it.</summary>
/// <param name="Tenant">Null for a row whose parent says it.</param>
/// <param name="Parent">The key of the row it belongs to, in the table above its own.</param>
/// <param name="Extra">A value that a writer wants to know besides: a project's slug, a task's parent task.</param>
/// <param name="Text">All columns.</param>
sealed record HeldRow(string Table, string Key, int? Tenant, string? Parent, string? Extra, string Text);
