using System.CommandLine;
using Migrator.Doctor;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Reporting;
using Migrator.Terminal;
using Spectre.Console;

namespace Migrator.Commands;

/// <summary>Removes everything of the migrator from the shared database.</summary>
sealed class UninstallCommand : MigratorCommand
{
    readonly Option<bool> confirm;
    readonly Option<bool> force;

    public UninstallCommand()
        : base("uninstall", "Remove everything of the migrator from the shared database.")
    {
        confirm = Add(CommonOptions.Confirm());
        force = Add<bool>(
            new("--force") { Description = "Also if tenants have moved, whose rows it then takes again." }
        );
    }

    protected override async Task<ExitCode> RunAsync(
        ParseResult parsed,
        ConsoleOutput terminal,
        CancellationToken cancellationToken
    )
    {
        var settings = ReadSettings(parsed);
        var uninstaller = new Uninstaller(settings, parsed.GetValue(force), terminal.Clock);
        var moved = await uninstaller.CheckAsync(cancellationToken);
        await terminal.ConfirmAsync(
            parsed.GetValue(confirm),
            Name,
            null,
            () => Task.FromResult(DoctorMessages.Uninstall(moved)),
            cancellationToken
        );
        var left = await uninstaller.RunAsync(cancellationToken);
        var database = settings.Source.Database!;
        string[] lines = [.. left.Streams, .. left.Isolated];
        string[] steps = left.Streams.Count > 0 ? ["migrator doctor --fix --confirm"] : [];
        if (terminal.Json)
        {
            terminal.WriteJson(new UninstallDocument(database, lines, steps));
            return ExitCode.Done;
        }
        terminal.Out.MarkupLineInterpolated($"[green]✓[/] {DoctorMessages.Uninstalled(database)}");
        foreach (var line in lines)
            terminal.Out.WriteLine("left: " + line);
        foreach (var step in steps)
            Console.Out.WriteLine(terminal.Advice.In($"'{step}' removes slots and publications."));
        return ExitCode.Done;
    }
}
