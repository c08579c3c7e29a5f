using Spectre.Console;

namespace Bench;

/// <summary>What all parts have measured, beside what is wanted.</summary>
sealed class Summary
{
    readonly List<(string Part, string What, double? Figure, Wanted? Wanted, string Unit)> lines = [];
    string part = "";

    /// <summary>What is added from here on was measured by this part.</summary>
    public void Begin(string name) => part = name;

    /// <param name="figure">Null if it could not be measured here.</param>
    /// <param name="wanted">Null for a figure that has no target.</param>
    public void Add(string what, double? figure, Wanted? wanted, string unit = "") =>
        lines.Add((part, what, figure, wanted, unit));

    public void Show()
    {
        var table = new Table().AddColumns("part", "what", "figure", "wanted", "met").RoundedBorder();
        foreach (var (of, what, figure, wanted, unit) in lines)
            table.AddRow(
                of,
                what,
                figure is { } known ? Wanted.Figure(known, unit) : "not measured",
                wanted?.Text(unit) ?? "",
                (figure, wanted) is ({ } measured, { } target)
                    ? target.IsMetBy(measured)
                        ? "yes"
                        : "[red]no[/]"
                    : ""
            );
        AnsiConsole.Write(table);
    }
}
