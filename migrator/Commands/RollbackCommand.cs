using System.CommandLine;
using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Settings;
using Migrator.Terminal;
using Spectre.Console;

namespace Migrator.Commands;

/// <summary>Puts a tenant back into the shared database with everything that was written meanwhile.</summary>
sealed class RollbackCommand : MoveCommand
{
    readonly Option<bool> confirm;
    readonly Option<bool> dropIsolated;
    readonly Option<bool> force;
    readonly Option<int> jobs;
    readonly Option<TimeSpan?> maxPause;
    readonly Option<string> duringPause;
    readonly Option<int> maxWaiting;
    readonly Option<FileInfo?> report;

    public RollbackCommand()
        : base("rollback", "Put a tenant back into the shared database, losing nothing.")
    {
        confirm = Add(CommonOptions.Confirm());
        dropIsolated = Add<bool>(new("--drop-isolated") { Description = "Drop the isolated database afterwards." });
        force = Add<bool>(
            new("--force") { Description = "Replace the shared rows although they are not those of the flip." }
        );
        jobs = Add(CommonOptions.Jobs());
        maxPause = Add(CommonOptions.MaxPause());
        duringPause = Add(CommonOptions.DuringPause());
        maxWaiting = Add(CommonOptions.MaxWaiting());
        report = Add(ReportFile.HtmlOption());
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
        var drop = parsed.GetValue(dropIsolated) ? $", and drop {slug.DatabaseName}" : "";
        await ConfirmAsync(
            parsed.GetValue(confirm),
            terminal,
            settings,
            databases,
            $"Put tenant {slug} back into the shared database{drop}?",
            cancellationToken
        );
        var options = OptionsOf(parsed);
        await terminal.ShowProgressAsync(progress =>
            new Promotion(settings, databases, options, progress, terminal.Clock).RollBackAsync(
                parsed.GetValue(dropIsolated),
                parsed.GetValue(force),
                cancellationToken
            )
        );
        if (!terminal.Json)
            terminal.Out.MarkupLineInterpolated(
                $"[green]✓[/] {RollbackMessages.IsBack(slug, settings.Target.Host!, settings.Target.Port, parsed.GetValue(dropIsolated))}"
            );
        var file = parsed.GetValue(report);
        await StatusCommand.ShowAsync(terminal, settings, databases, slug, file, "Rollback", cancellationToken);
    }

    PromotionOptions OptionsOf(ParseResult parsed) =>
        new(
            PromotionOptions.Online,
            parsed.GetValue(jobs),
            CommonOptions.PauseOf(parsed.GetValue(maxPause), PromotionOptions.Online),
            Validate: false,
            []
        )
        {
            RefusesDuringPause = parsed.GetValue(duringPause) == CommonOptions.Refuse,
            MaxWaiting = parsed.GetValue(maxWaiting),
        };
}
