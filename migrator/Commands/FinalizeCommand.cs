using System.CommandLine;
using Migrator.Connections;
using Migrator.Model;
using Migrator.Phases;
using Migrator.Settings;
using Migrator.Terminal;

namespace Migrator.Commands;

/// <summary>Deletes a promoted tenant's rows from the shared database.</summary>
sealed class FinalizeCommand : TenantCommand
{
    public const int DefaultBatch = 10_000;

    readonly Option<bool> confirm = new("--confirm") { Description = "Do it without asking." };
    readonly Option<bool> force = new("--force")
    {
        Description = "Delete although the rows are not those that were verified.",
    };
    readonly Option<int> batchSize = new("--batch-size")
    {
        Description = "Rows deleted in one transaction.",
        DefaultValueFactory = _ => DefaultBatch,
    };

    public FinalizeCommand()
        : base("finalize", "Delete a promoted tenant's rows from the shared database.")
    {
        batchSize.Validators.Add(result =>
        {
            if (
                result.Tokens.Count > 0
                && (!int.TryParse(result.Tokens[0].Value, out var size) || size is < 1 or > 1_000_000)
            )
                result.AddError("--batch-size is a number from 1 to 1000000.");
        });
        foreach (var option in (Option[])[confirm, force, batchSize])
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
            $"Delete the rows of {slug} from the shared database? From then on only a full copy leads back."
        );
        var options = new PromotionOptions(
            PromotionOptions.Fenced,
            Jobs: 1,
            TimeSpan.FromSeconds(30),
            Validate: false,
            []
        );
        await terminal.ShowProgressAsync(progress =>
            new Promotion(settings, databases, options, progress, terminal.Clock).FinalizeAsync(
                parsed.GetValue(batchSize),
                parsed.GetValue(force),
                cancellationToken
            )
        );
        await StatusCommand.ShowAsync(terminal, settings, databases, slug, cancellationToken);
    }
}
