using System.CommandLine;
using Migrator.Connections;
using Migrator.Model;
using Migrator.Settings;
using Migrator.Terminal;

namespace Migrator.Commands;

/// <summary>Deletes a promoted tenant's rows from the shared database.</summary>
sealed class FinalizeCommand : MoveCommand
{
    public const int DefaultBatch = 10_000;

    readonly Option<bool> confirm;
    readonly Option<bool> force;
    readonly Option<int> batchSize;
    readonly Option<FileInfo?> report;

    public FinalizeCommand()
        : base("finalize", "Delete a promoted tenant's rows from the shared database.")
    {
        confirm = Add(CommonOptions.Confirm());
        force = Add<bool>(
            new("--force") { Description = "Delete although the rows are not those that were verified." }
        );
        batchSize = Add(
            CommonOptions.Number("--batch-size", 1, 1_000_000, "--batch-size is a number from 1 to 1000000.")
        );
        batchSize.Description = "Rows deleted in one transaction.";
        batchSize.DefaultValueFactory = _ => DefaultBatch;
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
        await ConfirmAsync(
            parsed.GetValue(confirm),
            terminal,
            settings,
            databases,
            $"Delete the rows of {slug} from the shared database? From then on only a full copy leads back.",
            cancellationToken
        );
        await terminal.ShowProgressAsync(progress =>
            new Promotion(settings, databases, PromotionOptions.WithoutMove, progress, terminal.Clock).FinalizeAsync(
                parsed.GetValue(batchSize),
                parsed.GetValue(force),
                cancellationToken
            )
        );
        var file = parsed.GetValue(report);
        await StatusCommand.ShowAsync(terminal, settings, databases, slug, file, "Finalization", cancellationToken);
    }
}
