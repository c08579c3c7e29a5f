namespace Migrator.Verification;

/// <summary>The snapshots that the sides are read under; null for a side as it stands.</summary>
/// <param name="LiveReferences">
/// Reference tables are in the stream and equal like all others; otherwise they are compared with what their copy saw.
/// </param>
public readonly record struct ComparedAt(string? Shared = null, string? Isolated = null, bool LiveReferences = false);
