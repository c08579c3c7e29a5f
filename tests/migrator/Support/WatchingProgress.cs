using System.Collections.Concurrent;
using Migrator.Model;
using Migrator.Progress;

namespace Migrator.Tests.Support;

/// <summary>Remembers what it is told.</summary>
/// <param name="started">Called with each phase's name as it starts.</param>
public sealed class WatchingProgress(Action<string>? started) : IPromotionProgress
{
    public List<string> Phases { get; } = [];

    public List<string> Warnings { get; } = [];

    public List<string> Infos { get; } = [];

    public List<Check> Checks { get; } = [];

    /// <summary>How far the run was whenever it said so.</summary>
    public ConcurrentQueue<ProgressState> Said { get; } = [];

    /// <summary>Called with each table, and how far it is, where the phase does not copy.</summary>
    public Action<string, long>? Reaching { get; init; }

    /// <summary>Whether a warning so far has these words.</summary>
    public bool HasWarned(string words)
    {
        lock (Warnings)
            return Warnings.Any(said => said.Contains(words, StringComparison.Ordinal));
    }

    public void PhaseStarted(string name, string title)
    {
        Phases.Add(name);
        started?.Invoke(name);
    }

    public void PhaseEnded(string name, string title, TimeSpan took, string? summary) { }

    public void PhaseKept(string name, string title) { }

    public void TablesPlanned(IReadOnlyList<(TableName Table, long Rows, long Bytes)> tables) { }

    public void Validated(IReadOnlyList<Check> checks) => Checks.AddRange(checks);

    public void Warn(string sentence)
    {
        lock (Warnings)
            Warnings.Add(sentence);
        TestContext.Current.TestOutputHelper?.WriteLine("! " + sentence);
    }

    public void Reached(string table, string unit, long done, long? total) => Reaching?.Invoke(table, done);

    public void Info(string sentence) => Infos.Add(sentence);

    public void Progressed(ProgressState now) => Said.Enqueue(now);

    public void Advance(TableName table, long bytes) { }

    public void PartDone(TableName table, long rows) { }
}
