using System.CommandLine;
using Migrator.Connections;
using Migrator.Model;
using Migrator.Phases;
using Migrator.Settings;
using Migrator.Terminal;

namespace Migrator.Commands;

/// <summary>Puts a tenant back into the shared database with everything that was written meanwhile.</summary>
sealed class RollbackCommand : TenantCommand
{
    readonly Option<bool> confirm = new("--confirm") { Description = "Do it without asking." };
    readonly Option<bool> dropIsolated = new("--drop-isolated")
    {
        Description = "Drop the isolated database afterwards.",
    };
    readonly Option<int> jobs = PromoteCommand.Jobs();
    readonly Option<TimeSpan?> maxPause = PromoteCommand.MaxPause();

    public RollbackCommand()
        : base("rollback", "Put a tenant back into the shared database, losing nothing.")
    {
        foreach (var option in (Option[])[confirm, dropIsolated, jobs, maxPause])
            Options.Add(option);
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
        terminal.RequireConfirmation(
            parsed.GetValue(confirm),
            Name,
            slug,
            $"Put tenant {slug} back into the shared database?"
        );
        var options = new PromotionOptions(
            PromotionOptions.Online,
            parsed.GetValue(jobs),
            PromoteCommand.PauseOf(parsed.GetValue(maxPause), PromotionOptions.Online),
            Validate: false,
            []
        );
        await terminal.ShowProgressAsync(progress =>
            new Promotion(settings, databases, options, progress, terminal.Clock).RollBackAsync(
                parsed.GetValue(dropIsolated),
                cancellationToken
            )
        );
        await StatusCommand.ShowAsync(terminal, settings, databases, slug, cancellationToken);
    }
}
