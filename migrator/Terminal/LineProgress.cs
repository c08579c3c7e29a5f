using System.Diagnostics;
using Migrator.Model;

namespace Migrator.Terminal;

/// <summary>Plain lines, for pipes and build logs.</summary>
sealed class LineProgress(TextWriter log) : CountingProgress
{
    readonly Dictionary<TableName, long> planned = [];
    readonly Stopwatch sinceLine = Stopwatch.StartNew();

    public override void PhaseStarted(string name, string title) => Write($"… {title}");

    public override void PhaseEnded(string name, string title, TimeSpan took, string? summary) =>
        Write($"✓ {title} ({Seconds(took)}){(summary is null ? "" : ": " + summary)}");

    public override void PhaseKept(string name, string title) => Write($"✓ {title}: done by an earlier run");

    public override void Warn(string sentence) => Write("! " + sentence);

    public override void Info(string sentence) => Write(sentence);

    public override void Validated(IReadOnlyList<Check> checks)
    {
        foreach (var check in checks)
            Write($"  {check.Outcome.ToString().ToLowerInvariant(), -8} {check.Area}, {check.Name}: {check.Detail}");
    }

    public override void TablesPlanned(IReadOnlyList<(TableName Table, long Rows, long Bytes)> tables)
    {
        foreach (var (table, rows, _) in tables)
            planned[table] = rows;
    }

    // A long copy shows that it lives, without a line for each block.
    protected override void OnAdvance(TableName table, long bytes)
    {
        if (sinceLine.Elapsed < TimeSpan.FromSeconds(10))
            return;
        Write($"  {table}: still copying");
    }

    protected override void OnPartDone(TableName table, long rows, long bytes)
    {
        var all = Math.Max(planned.GetValueOrDefault(table), rows);
        Write($"  {table}: {rows:N0} of about {all:N0} rows, {bytes / 1e6:N1} MB");
    }

    void Write(string line)
    {
        lock (Gate)
        {
            log.WriteLine(line);
            sinceLine.Restart();
        }
    }
}
