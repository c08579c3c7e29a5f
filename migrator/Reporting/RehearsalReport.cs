using System.Globalization;
using System.Text;
using Migrator.Messages;
using Migrator.Model;
using Spectre.Console;

namespace Migrator.Reporting;

/// <summary>What <c>promote --rehearse</c> tells of what it has measured.</summary>
public sealed record RehearsalReport(Slug Slug, RehearsalSection Rehearsal, bool IsKept)
{
    string Pauses =>
        RehearsalMessages.Pauses(
            Rehearsal.PauseMinMs,
            Rehearsal.PauseMedianMs,
            Rehearsal.PauseP90Ms,
            Rehearsal.PauseMaxMs,
            Rehearsal.Pauses.Count
        );

    string Size =>
        $"{Rehearsal.Rows:N0} rows, {ByteSize.Show(Rehearsal.Bytes)} copied; the database has "
        + $"{ByteSize.Show(Rehearsal.IsolatedBytes)}; the slot held {ByteSize.Show(Rehearsal.WalHeldBytes)} of WAL.";

    string Time => $"Before the pause the move takes about {Seconds(Rehearsal.EstimatedSeconds)} s.";

    string End =>
        IsKept ? "The promotion holds, and goes on from here." : "All of it was undone; the tenant is where it was.";

    /// <summary>On screen.</summary>
    public void Write(IAnsiConsole console)
    {
        console.MarkupLineInterpolated(
            $"[green]✓[/] The move of [bold]{Slug}[/] was rehearsed. The guard refused no write."
        );
        foreach (var line in (string[])[Pauses, Slowest, Size, Time, End])
            console.MarkupLineInterpolated($"  {line}");
    }

    /// <summary>The same for a file or a pull request.</summary>
    public string ToMarkdown()
    {
        var text = new StringBuilder();
        text.AppendLine($"# Rehearsal of the promotion of {Slug}").AppendLine();
        text.AppendLine($"{Pauses} The guard refused no write. {Size} {Time} {End}").AppendLine();
        text.AppendLine("| pause | ms |").AppendLine("|---:|---:|");
        foreach (var (number, pause) in Rehearsal.Pauses.Index())
            text.AppendLine($"| {number + 1} | {Number(pause)} |");
        text.AppendLine().AppendLine("| part of a pause | median ms |").AppendLine("|---|---:|");
        foreach (var part in Rehearsal.Parts)
            text.AppendLine($"| {part.Part} | {Number(part.MedianMs)} |");
        text.AppendLine().AppendLine("| phase | seconds |").AppendLine("|---|---:|");
        foreach (var phase in Rehearsal.Phases)
            text.AppendLine($"| {phase.Name} | {Seconds(phase.Seconds)} |");
        return text.ToString();
    }

    string Slowest =>
        "Of a pause most is "
        + string.Join(
            ", ",
            Rehearsal
                .Parts.OrderByDescending(part => part.MedianMs)
                .Take(3)
                .Select(part => $"{part.Part} {part.MedianMs:N0} ms")
        )
        + ".";

    static string Number(double value) => value.ToString("N1", CultureInfo.InvariantCulture);

    static string Seconds(double value) => value.ToString("0.0", CultureInfo.InvariantCulture);
}
