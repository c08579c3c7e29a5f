using Migrator.Progress;
using Spectre.Console;

namespace Migrator.Terminal;

/// <summary>
/// Shows a promotion while it runs: bars on a terminal, lines in a pipe, one JSON object a line for Cloud Logging.
/// </summary>
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
            await Bars(console).StartAsync(context => work(new BarProgress(console, context)));
    }

    internal static Spectre.Console.Progress Bars(IAnsiConsole console) =>
        console
            .Progress()
            .AutoClear(true)
            .HideCompleted(true)
            .Columns(
                new TaskDescriptionColumn { Alignment = Justify.Left },
                new ProgressBarColumn { Width = 20 },
                new MeasureColumn()
            );
}
