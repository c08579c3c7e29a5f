using Migrator.Model;
using Migrator.Progress;

namespace Bench;

/// <summary>
/// Remembers when each phase ran, how long the tenant had to pause, and how often a cutover had to be tried again.
/// </summary>
/// <param name="started">Called with each phase's name as it starts.</param>
sealed class RecordingProgress(Action<string>? started = null) : IPromotionProgress
{
    readonly Dictionary<string, (long Began, long Ended)> phases = [];
    readonly List<string> said = [];
    string current = "";

    /// <summary>
    /// Milliseconds, by the migrator's own measure; for a promotion the journal's <c>pause_ms</c>. Null when the tenant
    /// did not come that far by stream.
    /// </summary>
    public double? Pause { get; private set; }

    /// <summary>Milliseconds of the pause by part.</summary>
    public IReadOnlyDictionary<string, double> Parts { get; private set; } = new Dictionary<string, double>();

    /// <summary>Attempts at the cutover that took too long and were taken back.</summary>
    public int Retries { get; private set; }

    /// <summary>Timestamps of <see cref="TimeProvider.System"/>.</summary>
    public (long Began, long Ended) this[string phase] => phases[phase];

    public void PhaseStarted(string name, string title)
    {
        current = name;
        phases[name] = (TimeProvider.System.GetTimestamp(), 0);
        started?.Invoke(name);
    }

    public void PhaseEnded(string name, string title, TimeSpan took, string? summary) =>
        phases[name] = phases[name] with { Ended = TimeProvider.System.GetTimestamp() };

    public void Paused(double milliseconds, IReadOnlyDictionary<string, double> parts) =>
        (Pause, Parts) = (milliseconds, parts);

    public void PhaseKept(string name, string title) { }

    public void TablesPlanned(IReadOnlyList<(TableName Table, long Rows, long Bytes)> tables) { }

    public void Validated(IReadOnlyList<Check> checks) { }

    /// <summary>What the migrator has said beside its figures.</summary>
    public IReadOnlyList<string> Said => said;

    public void Warn(string sentence)
    {
        said.Add(sentence);
        if (current == PhaseName.CutOver || current == PhaseName.FlipBack)
            Retries++;
    }

    public void Info(string sentence) => said.Add(sentence);

    public void Advance(TableName table, long bytes) { }

    public void PartDone(TableName table, long rows) { }
}
