using System.CommandLine;
using System.Text.Json.Nodes;
using Migrator.Doctor;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Terminal;
using Spectre.Console;

namespace Migrator.Commands;

/// <summary>What promotions of any tenant left behind, and its removal.</summary>
sealed class DoctorCommand : MigratorCommand
{
    readonly Option<bool> fix = new("--fix") { Description = "Remove what serves nobody." };
    readonly Option<bool> confirm = new("--confirm") { Description = "Do it without asking." };

    public DoctorCommand()
        : base("doctor", "Find what promotions left behind: slots, publications, write guards.")
    {
        Options.Add(fix);
        Options.Add(confirm);
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
        var removals = new Dictionary<OrphanedObject, string?>();
        if (!terminal.Json)
            Show(terminal.Out, diagnosis);
        var removable = diagnosis.Orphans.Where(orphan => orphan.IsRemovable).ToArray();
        if (parsed.GetValue(fix) && removable.Length > 0)
        {
            terminal.RequireConfirmation(
                parsed.GetValue(confirm),
                $"{Name} --fix",
                null,
                $"Remove {(removable.Length == 1 ? "what serves nobody" : $"the {removable.Length} that serve nobody")}?"
            );
            var cure = new OrphanRemover(settings, finder, terminal.Clock);
            foreach (var orphan in removable)
                removals[orphan] = await cure.RemoveAsync(orphan, cancellationToken);
        }

        var left = diagnosis
            .Orphans.Where(orphan => !removals.TryGetValue(orphan, out var refusal) || refusal is not null)
            .ToArray();
        var next = ConsoleOutput.CommandsIn(left.Select(orphan => removals.GetValueOrDefault(orphan) ?? orphan.Remedy));
        if (terminal.Json)
            ConsoleOutput.WriteJson(
                new JsonObject
                {
                    ["leftovers"] = new JsonArray([
                        .. diagnosis.Orphans.Select(orphan =>
                            Describe(orphan, !left.Contains(orphan), removals.GetValueOrDefault(orphan))
                        ),
                    ]),
                    ["warnings"] = new JsonArray([.. diagnosis.Warnings.Select(warning => (JsonNode)warning)]),
                    ["next_steps"] = next,
                }
            );
        else
        {
            foreach (var (orphan, refusal) in removals)
                if (refusal is null)
                    terminal.Out.MarkupLineInterpolated(
                        $"[green]✓[/] {orphan.Kind.ToString().ToLowerInvariant()} {orphan.Name} removed"
                    );
                else
                    terminal.Out.MarkupLineInterpolated($"[red]✗[/] {orphan.Name}: {refusal}");
            // Plain lines: some are to be pasted, and a console would fold them.
            foreach (
                var remedy in left.Where(orphan => !removals.ContainsKey(orphan))
                    .Select(orphan => orphan.Remedy)
                    .Distinct()
            )
                Console.Out.WriteLine(remedy);
        }
        return left.Length == 0 ? ExitCode.Done : ExitCode.Failed;
    }

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

    static JsonObject Describe(OrphanedObject orphan, bool removed, string? refusal) =>
        new()
        {
            ["kind"] = orphan.Kind.ToString().ToLowerInvariant(),
            ["name"] = orphan.Name,
            ["tenant_slug"] = orphan.Owner?.Tenant.Slug.Text,
            ["database"] = orphan.Place.Database,
            ["server"] = $"{orphan.Place.Host}:{orphan.Place.Port}",
            ["wal_bytes"] = orphan.WalBytes,
            ["since"] = orphan.Since?.ToString("yyyy-MM-ddTHH:mm:ss.fffZ"),
            ["problem"] = orphan.Problem,
            ["remedy"] = orphan.Remedy,
            ["removable"] = orphan.IsRemovable,
            ["removed"] = removed,
            ["refusal"] = refusal,
        };
}
