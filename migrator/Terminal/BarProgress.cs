using Migrator.Model;
using Spectre.Console;

namespace Migrator.Terminal;

/// <summary>A bar a table, phases ticking off above them.</summary>
sealed class BarProgress(IAnsiConsole console, ProgressContext context) : CountingProgress
{
    readonly Dictionary<TableName, ProgressTask> bars = [];

    public override void PhaseStarted(string name, string title) { }

    public override void PhaseEnded(string name, string title, TimeSpan took, string? summary)
    {
        lock (Gate)
        {
            foreach (var bar in bars.Values.Where(bar => !bar.IsFinished))
            {
                bar.MaxValue = Math.Max(bar.Value, 1);
                bar.Value = bar.MaxValue;
                bar.StopTask();
            }
            console.MarkupLineInterpolated($"[green]✓[/] {title, -28} [grey]{Seconds(took), 8}[/]  {summary ?? ""}");
        }
    }

    public override void PhaseKept(string name, string title) =>
        console.MarkupLineInterpolated($"[green]✓[/] {title, -28} [grey]done by an earlier run[/]");

    public override void Warn(string sentence) => console.MarkupLineInterpolated($"[yellow]![/] {sentence}");

    public override void Info(string sentence) => console.MarkupLineInterpolated($"  {sentence}");

    public override void TablesPlanned(IReadOnlyList<(TableName Table, long Rows, long Bytes)> tables)
    {
        lock (Gate)
            foreach (var (table, rows, bytes) in tables.OrderByDescending(table => table.Bytes))
                bars[table] = context.AddTask(Describe(table, rows, "about "), maxValue: Math.Max(bytes, 1));
    }

    public override void Validated(IReadOnlyList<Check> checks) { }

    protected override void OnAdvance(TableName table, long bytes)
    {
        if (!bars.TryGetValue(table, out var bar))
            return;
        // The planner's guess may be short.
        if (bar.Value + bytes > bar.MaxValue)
            bar.MaxValue = (bar.Value + bytes) * 1.1;
        bar.Increment(bytes);
    }

    protected override void OnPartDone(TableName table, long rows, long bytes)
    {
        if (bars.TryGetValue(table, out var bar))
            bar.Description = Describe(table, rows, "");
    }

    static string Describe(TableName table, long rows, string about) =>
        Markup.Escape($"{table} ({about}{rows:N0} rows)");
}
