using System.Text.Json;

namespace Migrator.Journal;

/// <summary>
/// A phase's result; <paramref name="EndedAt"/> is null while the phase is under way or after an interruption.
/// </summary>
public sealed record PhaseRecord(string Name, DateTime StartedAt, DateTime? EndedAt, JsonElement Facts);
