using System.Globalization;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Migrator.Terminal;

/// <summary>Of a bar: how much, how fast, how long still. Of a phase of unknown length: how long it has been running.</summary>
sealed class MeasureColumn : ProgressColumn
{
    protected override bool NoWrap => true;

    public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime) =>
        new Text(TextOf(task)).RightJustified();

    internal static string TextOf(ProgressTask task)
    {
        if (task.IsIndeterminate)
            return Clock(task.ElapsedTime);
        var speed = task.Speed is { } bytes ? $"  {bytes / 1e6:N1} MB/s" : "";
        var rest = task.RemainingTime is { } time ? $"  {Clock(time)} left" : "";
        return string.Create(CultureInfo.InvariantCulture, $"{task.Percentage:0} %{speed}{rest}");
    }

    static string Clock(TimeSpan? time) => time is { } known ? $"{(int)known.TotalHours}:{known:mm\\:ss}" : "";
}
