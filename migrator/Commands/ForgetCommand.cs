using System.CommandLine;
using Migrator.Connections;
using Migrator.Model;
using Migrator.Settings;
using Migrator.Terminal;

namespace Migrator.Commands;

/// <summary>Lets the shared database take rows of a finalized tenant again.</summary>
sealed class ForgetCommand : TenantCommand
{
    readonly Option<bool> confirm;

    public ForgetCommand()
        : base("forget", "Let the shared database take rows of a finalized tenant again.") =>
        confirm = Add(CommonOptions.Confirm());

    protected override async Task RunAsync(
        ParseResult parsed,
        ConsoleOutput terminal,
        MigratorSettings settings,
        Databases databases,
        Slug slug,
        CancellationToken cancellationToken
    )
    {
        await ConfirmAsync(
            parsed.GetValue(confirm),
            terminal,
            settings,
            databases,
            $"Forget that {slug} has moved? From then on the shared database no longer refuses rows of {slug}.",
            cancellationToken
        );
        await terminal.ShowProgressAsync(progress =>
            new Promotion(settings, databases, PromotionOptions.WithoutMove, progress, terminal.Clock).ForgetAsync(
                cancellationToken
            )
        );
        await StatusCommand.ShowAsync(terminal, settings, databases, slug, cancellationToken);
    }
}
