using System.CommandLine;
using System.Text.Json.Nodes;
using Migrator.Console;
using Migrator.Leftovers;
using Migrator.Model;
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
        Terminal terminal,
        CancellationToken cancellationToken
    )
    {
        var settings = ReadSettings(parsed);
        var doctor = new Doctor(settings);
        var diagnosis = await doctor.LookAsync(cancellationToken);
        var removals = new Dictionary<Leftover, string?>();
        if (!terminal.Json)
            Show(terminal.Out, diagnosis);
        var removable = diagnosis.Leftovers.Where(leftover => leftover.IsRemovable).ToArray();
        if (parsed.GetValue(fix) && removable.Length > 0)
        {
            terminal.RequireConfirmation(
                parsed.GetValue(confirm),
                $"{Name} --fix",
                null,
                $"Remove {(removable.Length == 1 ? "what serves nobody" : $"the {removable.Length} that serve nobody")}?"
            );
            var cure = new Cure(settings, doctor);
            foreach (var leftover in removable)
                removals[leftover] = await cure.RemoveAsync(leftover, cancellationToken);
        }

        var left = diagnosis
            .Leftovers.Where(leftover => !removals.TryGetValue(leftover, out var refusal) || refusal is not null)
            .ToArray();
        var next = Terminal.CommandsIn(
            left.Select(leftover => removals.GetValueOrDefault(leftover) ?? leftover.Remedy)
        );
        if (terminal.Json)
            Terminal.WriteJson(
                new JsonObject
                {
                    ["leftovers"] = new JsonArray([
                        .. diagnosis.Leftovers.Select(leftover =>
                            Describe(leftover, !left.Contains(leftover), removals.GetValueOrDefault(leftover))
                        ),
                    ]),
                    ["warnings"] = new JsonArray([.. diagnosis.Warnings.Select(warning => (JsonNode)warning)]),
                    ["next_steps"] = next,
                }
            );
        else
        {
            foreach (var (leftover, refusal) in removals)
                if (refusal is null)
                    terminal.Out.MarkupLineInterpolated(
                        $"[green]✓[/] {leftover.Kind.ToString().ToLowerInvariant()} {leftover.Name} removed"
                    );
                else
                    terminal.Out.MarkupLineInterpolated($"[red]✗[/] {leftover.Name}: {refusal}");
            // Plain lines: some are to be pasted, and a console would fold them.
            foreach (
                var remedy in left.Where(leftover => !removals.ContainsKey(leftover))
                    .Select(leftover => leftover.Remedy)
                    .Distinct()
            )
                System.Console.Out.WriteLine(remedy);
        }
        return left.Length == 0 ? ExitCode.Done : ExitCode.Failed;
    }

    static void Show(IAnsiConsole console, Diagnosis diagnosis)
    {
        foreach (var warning in diagnosis.Warnings)
            console.MarkupLineInterpolated($"[yellow]![/] {warning}");
        if (diagnosis.Leftovers.Count == 0)
        {
            console.WriteLine(Sentences.NothingLeftBehind);
            return;
        }
        var table = new Table().AddColumns("what", "name", "where", "WAL held", "since", "problem").RoundedBorder();
        foreach (var leftover in diagnosis.Leftovers)
            table.AddRow(
                leftover.Kind.ToString().ToLowerInvariant(),
                Markup.Escape(leftover.Name + (leftover.Owner is { } owner ? $"\nof {owner.Tenant.Slug}" : "")),
                Markup.Escape($"{leftover.Place.Database}\n{leftover.Place.Host}:{leftover.Place.Port}".Trim()),
                leftover.WalBytes is { } bytes ? ByteSize.Show(bytes) : "–",
                leftover.Since?.ToString("yyyy-MM-dd HH:mm") ?? "–",
                Markup.Escape(leftover.Problem)
            );
        console.Write(table);
    }

    static JsonObject Describe(Leftover leftover, bool removed, string? refusal) =>
        new()
        {
            ["kind"] = leftover.Kind.ToString().ToLowerInvariant(),
            ["name"] = leftover.Name,
            ["tenant_slug"] = leftover.Owner?.Tenant.Slug.Text,
            ["database"] = leftover.Place.Database,
            ["server"] = $"{leftover.Place.Host}:{leftover.Place.Port}",
            ["wal_bytes"] = leftover.WalBytes,
            ["since"] = leftover.Since?.ToString("yyyy-MM-ddTHH:mm:ss.fffZ"),
            ["problem"] = leftover.Problem,
            ["remedy"] = leftover.Remedy,
            ["removable"] = leftover.IsRemovable,
            ["removed"] = removed,
            ["refusal"] = refusal,
        };
}
