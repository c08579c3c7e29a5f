using Migrator.Messages;
using Migrator.Model;
using Migrator.Preflight;
using Migrator.Scope;
using Spectre.Console;

namespace Migrator.Reporting;

/// <summary>What <c>promote --dry-run</c> shows: which tables, how many rows, how long.</summary>
public sealed record PromotionPlan(Slug Slug, string Mode, PreflightResult Preflight)
{
    // Measured on two cores without network between the servers (docs/benchmarks.md); a guess to plan by, not a promise.
    const double BytesPerSecond = 40e6;
    static readonly TimeSpan Fixed = TimeSpan.FromSeconds(2);

    // The cutover, as the benchmark's median has it.
    static readonly TimeSpan UsualPause = TimeSpan.FromMilliseconds(250);

    bool IsOnline => Mode == PromotionOptions.Online;

    long Rows => Preflight.Plan.Sum(table => table.Rows);

    long Bytes => Preflight.Plan.Sum(table => table.Bytes);

    TimeSpan Time => Fixed + TimeSpan.FromSeconds(Bytes / BytesPerSecond);

    /// <summary>The tables, what else is to be known, and the sum of it.</summary>
    public void WritePlan(IAnsiConsole console)
    {
        var tables = new Table()
            .Title($"Plan for [bold]{Markup.Escape(Slug.Text)}[/] → {Slug.DatabaseName}")
            .AddColumns("table", "whose", "about rows", "about MB")
            .RoundedBorder();
        tables.Columns[2].RightAligned();
        tables.Columns[3].RightAligned();
        foreach (var planned in Preflight.Plan)
            tables.AddRow(
                Markup.Escape(planned.Table.Name.ToString()),
                Markup.Escape(Whose(planned.Table)),
                planned.Rows.ToString("N0"),
                (planned.Bytes / 1e6).ToString("N1")
            );
        foreach (var table in Preflight.Scope.Tables.Where(table => !table.IsCopied))
            tables.AddRow(Markup.Escape(table.Name.ToString()), "ignored", "–", "–");
        console.Write(tables);
        foreach (var warning in Preflight.Warnings)
            console.MarkupLineInterpolated($"[yellow]![/] {warning}");
        var pause = IsOnline ? "less than a second of it as a rule" : "most of it";
        var size = $"About {Rows:N0} rows, {Bytes / 1e6:N1} MB and {Time.TotalSeconds:N0} s";
        console.MarkupLineInterpolated($"{size}; in mode {Mode} the tenant's writes pause for {pause}.");
    }

    public PlanDocument ToDocument() =>
        new(
            Slug.Text,
            Mode,
            Slug.DatabaseName,
            Rows,
            Bytes,
            Math.Round(Time.TotalSeconds, 1),
            IsOnline ? UsualPause.TotalSeconds : Math.Round(Time.TotalSeconds, 1),
            [.. Preflight.Scope.Tables.Select(Entry)],
            Preflight.Warnings,
            [$"migrator promote --tenant-slug={Slug} --confirm"]
        );

    PlanDocument.TableEntry Entry(ScopedTable table)
    {
        var planned = Preflight.Plan.FirstOrDefault(planned => planned.Table.Name == table.Name);
        var scope = table.Scope.ToString().ToLowerInvariant();
        var unowned = UnownedOf(table);
        return new(
            table.Name.ToString(),
            scope,
            planned?.Rows ?? 0,
            planned?.Bytes ?? 0,
            unowned?.Unnamed,
            unowned?.PrivateColumns
        );
    }

    UnownedRows? UnownedOf(ScopedTable table) =>
        Preflight.Unowned.FirstOrDefault(unowned => unowned.Table.Name == table.Name);

    string Whose(ScopedTable table) =>
        UnownedOf(table) is { } unowned
        && ReferenceMessages.Unowned(unowned.Rows, unowned.Unnamed, unowned.PrivateColumns) is { Length: > 0 } aloud
            ? $"{Class(table)}: {aloud}"
            : Class(table);

    string Class(ScopedTable table) =>
        table.Scope switch
        {
            TableScope.Root => table.Tree is null ? "the tenant itself" : "the tenant and those below",
            TableScope.Direct => table.NullIsGlobal ? "tenant column, or everybody's" : "tenant column",
            TableScope.Derived when Preflight.Scope.PathOf(table) is { Count: > 0 } path => "via "
                + string.Join(" → ", path.Select(step => step.To.Name)),
            TableScope.Derived => "via " + string.Join(" or ", table.Claims.Select(Way).Distinct()),
            TableScope.Shared => "shared, named by " + string.Join(" or ", table.Claims.Select(Way).Distinct()),
            TableScope.Reference => "reference, whole",
            _ => "ignored",
        };

    static string Way(Claim claim) => claim.Step?.To.Name ?? claim.Column ?? "a condition";
}
