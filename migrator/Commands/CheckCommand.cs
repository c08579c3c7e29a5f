using System.CommandLine;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Preflight;
using Migrator.Reporting;
using Migrator.Terminal;
using Spectre.Console;

namespace Migrator.Commands;

/// <summary>All that is wrong with the settings, at once. Needs no tenant, and changes nothing.</summary>
sealed class CheckCommand()
    : MigratorCommand("check", "Say all that is wrong with the settings, the logins and the rules; needs no tenant.")
{
    protected override async Task<ExitCode> RunAsync(
        ParseResult parsed,
        ConsoleOutput terminal,
        CancellationToken cancellationToken
    )
    {
        var (settings, unreadable) = TryReadSettings(parsed);
        var inspection = await SettingsInspection.ReadAsync(settings, unreadable, cancellationToken);
        var summary = inspection.Faults.Count == 0 ? CheckMessages.Fine : CheckMessages.Faulty(inspection.Faults);
        if (terminal.Json)
            terminal.WriteJson(
                new CheckDocument(
                    settings.File,
                    inspection.Servers,
                    inspection.Faults,
                    inspection.Warnings,
                    ConsoleOutput.CommandsIn(summary)
                )
            );
        else
            Show(terminal, settings.File, inspection);
        if (inspection.Faults.Count > 0)
            throw new MigratorException(unreadable.Count > 0 ? ExitCode.Usage : ExitCode.Refused, summary)
            {
                IsInDocument = terminal.Json,
            };
        if (!terminal.Json)
            Console.Out.WriteLine(terminal.Advice.In(summary));
        return ExitCode.Done;
    }

    static void Show(ConsoleOutput terminal, string? file, SettingsInspection inspection)
    {
        Console.Out.WriteLine(file is null ? CheckMessages.NoFile : CheckMessages.FileRead(file));
        var table = new Table().AddColumns("server", "where", "database", "role", "PostgreSQL").RoundedBorder();
        foreach (var one in inspection.Servers)
            table.AddRow(
                one.Server,
                Markup.Escape($"{one.Host}:{one.Port}"),
                Markup.Escape(one.Database ?? "–"),
                Markup.Escape(one.User ?? "–"),
                one.Version ?? "[red]not reached[/]"
            );
        terminal.Out.Write(table);
        foreach (var warning in inspection.Warnings)
            terminal.Error.MarkupLineInterpolated($"[yellow]![/] {warning}");
    }
}
