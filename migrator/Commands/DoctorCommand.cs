using System.CommandLine;
using Migrator.Doctor;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Reporting;
using Migrator.Terminal;
using Spectre.Console;

namespace Migrator.Commands;

/// <summary>What promotions of any tenant left behind, and its removal.</summary>
sealed class DoctorCommand : MigratorCommand
{
    readonly Option<bool> fix;
    readonly Option<bool> confirm;

    public DoctorCommand()
        : base("doctor", "Find what promotions left behind: slots, publications, write guards.")
    {
        fix = Add<bool>(new("--fix") { Description = "Remove what serves nobody." });
        confirm = Add(CommonOptions.Confirm());
    }

    protected override async Task<ExitCode> RunAsync(
        ParseResult parsed,
        ConsoleOutput terminal,
        CancellationToken cancellationToken
    )
    {
        var settings = ReadSettings(parsed);
        var finder = new OrphanFinder(settings);
        var diagnosis = await finder.LookAsync(cancellationToken);
        if (!terminal.Json)
            Show(terminal.Out, diagnosis);
        var removals = parsed.GetValue(fix)
            ? await RemoveAsync(parsed, terminal, new(settings, finder, terminal.Clock), diagnosis, cancellationToken)
            : [];

        var left = diagnosis
            .Orphans.Where(orphan => !removals.TryGetValue(orphan, out var refusal) || refusal is not null)
            .ToArray();
        if (terminal.Json)
            terminal.WriteJson(Describe(diagnosis, removals, left));
        else
            ShowRemovals(terminal, removals, left);
        return left.Length == 0 ? ExitCode.Done : ExitCode.Failed;
    }

    /// <returns>For each object that was to be removed null, or why it stays.</returns>
    async Task<Dictionary<OrphanedObject, string?>> RemoveAsync(
        ParseResult parsed,
        ConsoleOutput terminal,
        OrphanRemover remover,
        Diagnosis diagnosis,
        CancellationToken cancellationToken
    )
    {
        var removals = new Dictionary<OrphanedObject, string?>();
        var removable = diagnosis.Orphans.Where(orphan => orphan.IsRemovable).ToArray();
        if (removable.Length == 0)
            return removals;
        var what = removable.Length == 1 ? "what serves nobody" : $"the {removable.Length} that serve nobody";
        await terminal.ConfirmAsync(
            parsed.GetValue(confirm),
            $"{Name} --fix",
            null,
            () => Task.FromResult($"Remove {what}?"),
            cancellationToken
        );
        foreach (var orphan in removable)
            removals[orphan] = await remover.RemoveAsync(orphan, cancellationToken);
        return removals;
    }

    static DoctorDocument Describe(
        Diagnosis diagnosis,
        Dictionary<OrphanedObject, string?> removals,
        OrphanedObject[] left
    ) =>
        new(
            [
                .. diagnosis.Orphans.Select(orphan =>
                    DoctorDocument.Entry.Of(
                        orphan,
                        removed: !left.Contains(orphan),
                        refusal: removals.GetValueOrDefault(orphan)
                    )
                ),
            ],
            diagnosis.Warnings,
            ConsoleOutput.CommandsIn(left.Select(orphan => removals.GetValueOrDefault(orphan) ?? orphan.Remedy))
        );

    static void Show(IAnsiConsole console, Diagnosis diagnosis)
    {
        foreach (var warning in diagnosis.Warnings)
            console.MarkupLineInterpolated($"[yellow]![/] {warning}");
        if (diagnosis.Orphans.Count == 0)
        {
            console.WriteLine(DoctorMessages.NothingLeftBehind);
            return;
        }
        var table = new Table().AddColumns("what", "name", "where", "WAL held", "since", "problem").RoundedBorder();
        foreach (var orphan in diagnosis.Orphans)
            table.AddRow(
                orphan.Kind.ToString().ToLowerInvariant(),
                Markup.Escape(orphan.Name + (orphan.Owner is { } owner ? $"\nof {owner.Tenant.Slug}" : "")),
                Markup.Escape($"{orphan.Place.Database}\n{orphan.Place.Host}:{orphan.Place.Port}".Trim()),
                orphan.WalBytes is { } bytes ? ByteSize.Show(bytes) : "–",
                orphan.Since?.ToString("yyyy-MM-dd HH:mm") ?? "–",
                Markup.Escape(orphan.Problem)
            );
        console.Write(table);
    }

    static void ShowRemovals(
        ConsoleOutput terminal,
        Dictionary<OrphanedObject, string?> removals,
        OrphanedObject[] left
    )
    {
        foreach (var (orphan, refusal) in removals)
            if (refusal is null)
                terminal.Out.MarkupLineInterpolated(
                    $"[green]✓[/] {orphan.Kind.ToString().ToLowerInvariant()} {orphan.Name} {(orphan.IsMended ? "mended" : "removed")}"
                );
            else
                terminal.Out.MarkupLineInterpolated($"[red]✗[/] {orphan.Name}: {refusal}");
        // Plain lines: some are to be pasted, and a console would fold them.
        foreach (
            var remedy in left.Where(orphan => !removals.ContainsKey(orphan)).Select(orphan => orphan.Remedy).Distinct()
        )
            Console.Out.WriteLine(terminal.Advice.In(remedy));
    }
}
