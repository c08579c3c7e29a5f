using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Migrator.Model;
using Migrator.Progress;
using Migrator.Routing;
using Migrator.Validation;
using Spectre.Console;

namespace Migrator.Terminal;

/// <summary>Shows a promotion while it runs: bars on a terminal, lines in a pipe, one JSON object a line for Cloud Logging.</summary>
public static class ProgressDisplay
{
    /// <param name="console">Where to draw; standard error, so that standard output holds the result alone.</param>
    public static async Task RunAsync(
        IAnsiConsole console,
        bool jsonLog,
        TextWriter log,
        TimeProvider clock,
        Func<IPromotionProgress, Task> work
    )
    {
        if (jsonLog)
            await work(new JsonProgress(log, clock));
        else if (!console.Profile.Out.IsTerminal)
            await work(new LineProgress(log));
        else
            await console
                .Progress()
                .AutoClear(false)
                .HideCompleted(false)
                .Columns(
                    new TaskDescriptionColumn { Alignment = Justify.Left },
                    new ProgressBarColumn(),
                    new PercentageColumn(),
                    new TransferSpeedColumn(),
                    new RemainingTimeColumn()
                )
                .StartAsync(context => work(new BarProgress(console, context)));
    }
}

/// <summary>What all displays count: rows and bytes of each table.</summary>
abstract class CountingProgress : IPromotionProgress
{
    readonly Dictionary<TableName, (long Rows, long Bytes)> counts = [];

    protected Lock Gate { get; } = new();

    public void Advance(TableName table, long bytes)
    {
        lock (Gate)
        {
            var (rows, before) = counts.GetValueOrDefault(table);
            counts[table] = (rows, before + bytes);
            OnAdvance(table, bytes);
        }
    }

    public void PartDone(TableName table, long rows)
    {
        lock (Gate)
        {
            var (before, bytes) = counts.GetValueOrDefault(table);
            counts[table] = (before + rows, bytes);
            OnPartDone(table, before + rows, bytes);
        }
    }

    public abstract void PhaseStarted(string name, string title);
    public abstract void PhaseEnded(string name, string title, TimeSpan took, string? summary);
    public abstract void PhaseKept(string name, string title);
    public abstract void TablesPlanned(IReadOnlyList<(TableName Table, long Rows, long Bytes)> tables);
    public abstract void Validated(IReadOnlyList<Check> checks);
    public abstract void Warn(string sentence);
    public abstract void Info(string sentence);

    protected abstract void OnAdvance(TableName table, long bytes);
    protected abstract void OnPartDone(TableName table, long rows, long bytes);

    protected static string Seconds(TimeSpan took) =>
        took.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture) + " s";
}

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

    protected override void OnPartDone(TableName table, long rows, long bytes) =>
        Write(
            $"  {table}: {rows:N0} of about {Math.Max(planned.GetValueOrDefault(table), rows):N0} rows, {bytes / 1e6:N1} MB"
        );

    void Write(string line)
    {
        lock (Gate)
        {
            log.WriteLine(line);
            sinceLine.Restart();
        }
    }
}

/// <summary>One JSON object a line, with the fields that Cloud Logging gives a meaning to.</summary>
/// <remarks>https://cloud.google.com/logging/docs/structured-logging</remarks>
sealed class JsonProgress(TextWriter log, TimeProvider clock) : CountingProgress
{
    public override void PhaseStarted(string name, string title) =>
        Write("INFO", title, new() { ["event"] = "phase_started", ["phase"] = name });

    public override void PhaseEnded(string name, string title, TimeSpan took, string? summary) =>
        Write(
            "INFO",
            summary is null ? title : $"{title}: {summary}",
            new()
            {
                ["event"] = "phase_ended",
                ["phase"] = name,
                ["seconds"] = Math.Round(took.TotalSeconds, 3),
            }
        );

    public override void PhaseKept(string name, string title) =>
        Write("INFO", $"{title}: done by an earlier run", new() { ["event"] = "phase_kept", ["phase"] = name });

    public override void Warn(string sentence) => Write("WARNING", sentence, []);

    public override void Info(string sentence) => Write("INFO", sentence, []);

    public override void TablesPlanned(IReadOnlyList<(TableName Table, long Rows, long Bytes)> tables) =>
        Write(
            "INFO",
            $"{tables.Count} tables to copy",
            new()
            {
                ["event"] = "tables_planned",
                ["rows"] = tables.Sum(table => table.Rows),
                ["bytes"] = tables.Sum(table => table.Bytes),
            }
        );

    public override void Validated(IReadOnlyList<Check> checks)
    {
        foreach (var check in checks)
            Write(
                check.Outcome == CheckOutcome.Failed ? "ERROR" : "INFO",
                $"{check.Area}, {check.Name}: {check.Detail}",
                new()
                {
                    ["event"] = "check",
                    ["area"] = check.Area,
                    ["check"] = check.Name,
                    ["outcome"] = check.Outcome.ToString().ToLowerInvariant(),
                }
            );
    }

    protected override void OnAdvance(TableName table, long bytes) { }

    protected override void OnPartDone(TableName table, long rows, long bytes) =>
        Write(
            "INFO",
            $"{table}: {rows:N0} rows",
            new()
            {
                ["event"] = "table_copied",
                ["table"] = table.ToString(),
                ["rows"] = rows,
                ["bytes"] = bytes,
            }
        );

    void Write(string severity, string message, JsonObject fields)
    {
        var line = new JsonObject
        {
            ["severity"] = severity,
            ["time"] = clock.GetUtcNow().ToString("O"),
            ["message"] = message,
        };
        foreach (var (name, value) in fields.ToArray())
            line[name] = value?.DeepClone();
        lock (Gate)
            log.WriteLine(line.ToJsonString(RoutingDocument.Json));
    }
}

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
