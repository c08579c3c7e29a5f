using System.CommandLine;
using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Preflight;
using Migrator.Reporting;
using Migrator.Scope;
using Migrator.Settings;
using Migrator.Terminal;
using Spectre.Console;

namespace Migrator.Commands;

/// <summary>Whose rows each table holds, by tenancy.json: to see a rule before a row moves.</summary>
sealed class ScopeCommand : TenantCommand
{
    readonly Option<bool> check;
    readonly Option<bool> graph;
    readonly Option<bool> suggest;

    public ScopeCommand()
        : base("scope", "Show which rows of each table are the tenant's, and why.")
    {
        check = Add<bool>(
            new("--check") { Description = "Prove that no row of the tenant's names a row that would stay behind." }
        );
        suggest = Add<bool>(
            new("--suggest") { Description = "Print a tenancy.json that the catalog and some rows suggest." }
        );
        graph = Add<bool>(new("--graph") { Description = "Print how the tables hang together, as a Mermaid graph." });
    }

    protected override async Task RunAsync(
        ParseResult parsed,
        ConsoleOutput terminal,
        MigratorSettings settings,
        Databases databases,
        Slug slug,
        CancellationToken cancellationToken
    )
    {
        if (parsed.GetValue(suggest))
        {
            await SuggestAsync(terminal, settings, databases, slug, cancellationToken);
            return;
        }
        var inspection = await ScopeInspection.ReadAsync(
            settings,
            databases,
            slug,
            parsed.GetValue(check),
            cancellationToken
        );
        if (terminal.Json)
            terminal.WriteJson(
                new ScopeDocument(
                    slug.Text,
                    [.. inspection.Tables.Select(Entry)],
                    inspection.Faults,
                    inspection.Warnings,
                    [$"migrator promote --tenant-slug={slug} --dry-run"]
                )
            );
        else if (parsed.GetValue(graph))
            Console.Out.Write(ScopeGraph.Of(inspection.Scope));
        else
            Show(terminal, inspection);
        if (inspection.Faults.Count == 0)
            return;
        var refusal = PreflightMessages.Refusal(slug, inspection.Faults);
        throw new MigratorException(refusal.Code, refusal.Message) { IsInDocument = terminal.Json };
    }

    // The file on standard output, also with --json; why, on standard error.
    static async Task SuggestAsync(
        ConsoleOutput terminal,
        MigratorSettings settings,
        Databases databases,
        Slug slug,
        CancellationToken cancellationToken
    )
    {
        await using var shared = await databases.Shared.OpenConnectionAsync(cancellationToken);
        await using var reading = await Snapshots.BeginReadOnlyAsync(shared, cancellationToken);
        var (tenancy, notes) = await Suggestion.ReadAsync(shared, settings.Tenancy, slug, cancellationToken);
        Console.Out.WriteLine(RuleJson.File(tenancy));
        foreach (var note in notes.Append(ScopeMessages.CheckSuggestion(slug)))
            terminal.Error.MarkupLineInterpolated($"[yellow]![/] {note}");
    }

    static ScopeDocument.TableEntry Entry(ScopedRows one) =>
        new(
            one.Name.ToString(),
            one.Table?.Scope.ToString().ToLowerInvariant(),
            one.Condition,
            one.Rows,
            one.Bytes,
            one.Others,
            one.Samples
        );

    static void Show(ConsoleOutput terminal, ScopeInspection inspection)
    {
        var table = new Table().AddColumns("table", "class", "rows", "MB", "others'", "such as").RoundedBorder();
        foreach (var column in (int[])[2, 3, 4])
            table.Columns[column].RightAligned();
        foreach (var one in inspection.Tables)
            table.AddRow(
                Markup.Escape(one.Name.ToString()),
                one.Table is null ? "[red]no rule[/]" : one.Table.Scope.ToString().ToLowerInvariant(),
                one.Rows.ToString("N0"),
                (one.Bytes / 1e6).ToString("N1"),
                one.Others.ToString("N0"),
                Markup.Escape(string.Join("; ", one.Samples))
            );
        terminal.Out.Write(table);
        if (terminal.Verbose)
            foreach (var one in inspection.Tables.Where(one => one.Table is { IsCopied: true }))
                terminal.Out.WriteLine($"{one.Name}: {one.Condition}");
        foreach (var warning in inspection.Warnings)
            terminal.Error.MarkupLineInterpolated($"[yellow]![/] {warning}");
    }
}
