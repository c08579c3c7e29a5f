using Migrator.Model;
using Spectre.Console;

namespace Migrator.Terminal;

/// <summary>
/// Phases tick off; below them are bars of the tables that are copied now, as many as fit; the last line is what runs.
/// </summary>
sealed class BarProgress(IAnsiConsole console, ProgressContext context) : CountingProgress
{
    const int TitleWidth = 28;
    const int MostBars = 6;

    readonly Dictionary<TableName, (long Rows, long Bytes)> planned = [];

    // The tables in work, the one that moved last at the end.
    readonly List<(TableName Table, ProgressTask Bar)> bars = [];
    ProgressTask? running;

    public override void PhaseStarted(string name, string title)
    {
        lock (Gate)
        {
            running?.StopTask();
            running = context.AddTask(Markup.Escape(title));
            running.IsIndeterminate = true;
        }
    }

    public override void PhaseEnded(string name, string title, TimeSpan took, string? summary)
    {
        lock (Gate)
        {
            bars.ForEach(entry => entry.Bar.StopTask());
            bars.Clear();
            planned.Clear();
            running?.StopTask();
            running = null;
            Write("[green]✓[/]", title, $"[grey]{Seconds(took)}[/]", summary ?? "");
        }
    }

    public override void PhaseKept(string name, string title) =>
        Write("[green]✓[/]", title, "", "[grey]done by an earlier run[/]", isMarkup: true);

    public override void Warn(string sentence) => Write("[yellow]![/]", sentence);

    public override void Info(string sentence) => Write("", sentence);

    public override void TablesPlanned(IReadOnlyList<(TableName Table, long Rows, long Bytes)> tables)
    {
        lock (Gate)
        {
            foreach (var (table, rows, bytes) in tables)
                planned[table] = (rows, bytes);
            if (running is null)
                return;
            running.IsIndeterminate = false;
            running.MaxValue = Math.Max(tables.Sum(table => table.Bytes), 1);
        }
    }

    public override void Validated(IReadOnlyList<Check> checks) { }

    protected override void OnAdvance(TableName table, long bytes)
    {
        if (running is null || !planned.TryGetValue(table, out var plan))
            return;
        Increment(BarOf(table, plan, running), bytes);
        Increment(running, bytes);
    }

    protected override void OnPartDone(TableName table, long rows, long bytes)
    {
        if (running is not null && planned.TryGetValue(table, out var plan))
            BarOf(table, plan, running).Description = Describe(table, rows, "");
    }

    ProgressTask BarOf(TableName table, (long Rows, long Bytes) plan, ProgressTask phase)
    {
        var index = bars.FindIndex(entry => entry.Table == table);
        var entry =
            index >= 0
                ? bars[index]
                : (
                    table,
                    context.AddTaskBefore(
                        Describe(table, plan.Rows, "about "),
                        new ProgressTaskSettings { MaxValue = Math.Max(plan.Bytes, 1) },
                        phase
                    )
                );
        if (index >= 0)
            bars.RemoveAt(index);
        bars.Add(entry);
        if (bars.Count > Math.Clamp(console.Profile.Height - 4, 1, MostBars))
        {
            bars[0].Bar.StopTask();
            bars.RemoveAt(0);
        }
        return entry.Item2;
    }

    // The planner's guess may be short.
    static void Increment(ProgressTask bar, long bytes)
    {
        if (bar.Value + bytes > bar.MaxValue)
            bar.MaxValue = (bar.Value + bytes) * 1.1;
        bar.Increment(bytes);
    }

    static string Describe(TableName table, long rows, string about) =>
        Markup.Escape($"  {table} ({about}{rows:N0} rows)");

    void Write(string mark, string sentence) =>
        console.Write(
            new Grid { Expand = true }
                .AddColumn(new GridColumn { Width = 1 })
                .AddColumn(new GridColumn().PadLeft(0).PadRight(0))
                .AddRow(new Markup(mark), new Text(sentence))
        );

    // Lines fill the terminal's width: what they are written over must not show behind them.
    void Write(string mark, string title, string took, string summary, bool isMarkup = false) =>
        console.Write(
            new Grid { Expand = true }
                .AddColumn(new GridColumn { Width = 1 })
                .AddColumn(new GridColumn { Width = TitleWidth }.PadLeft(0))
                .AddColumn(new GridColumn { Width = 8, Alignment = Justify.Right })
                .AddColumn(new GridColumn().PadRight(0))
                .AddRow(
                    new Markup(mark),
                    new Text(title),
                    new Markup(took),
                    isMarkup ? new Markup(summary) : new Text(summary)
                )
        );
}
