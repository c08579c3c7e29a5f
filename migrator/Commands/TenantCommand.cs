using System.CommandLine;
using System.CommandLine.Parsing;
using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Reporting;
using Migrator.Settings;
using Migrator.Terminal;

namespace Migrator.Commands;

/// <summary>A verb about one tenant.</summary>
abstract class TenantCommand : MigratorCommand
{
    readonly Option<Slug> slug;

    protected TenantCommand(string name, string description)
        : base(name, description) =>
        slug = Add<Slug>(
            new("--tenant-slug")
            {
                Description = "The tenant, as in acme-corp.",
                Required = true,
                CustomParser = ParseSlug,
            }
        );

    protected Slug SlugOf(ParseResult parsed) => parsed.GetValue(slug)!;

    protected override async Task<ExitCode> RunAsync(
        ParseResult parsed,
        ConsoleOutput terminal,
        CancellationToken cancellationToken
    )
    {
        var tenant = SlugOf(parsed);
        var settings = await ReadSettingsAsync(parsed, tenant, cancellationToken);
        await using var databases = Databases.For(settings, tenant);
        await RunAsync(parsed, terminal, settings, databases, tenant, cancellationToken);
        return ExitCode.Done;
    }

    protected virtual Task<MigratorSettings> ReadSettingsAsync(
        ParseResult parsed,
        Slug slug,
        CancellationToken cancellationToken
    ) => Task.FromResult(ReadSettings(parsed));

    protected abstract Task RunAsync(
        ParseResult parsed,
        ConsoleOutput terminal,
        MigratorSettings settings,
        Databases databases,
        Slug slug,
        CancellationToken cancellationToken
    );

    /// <summary>Unless it was confirmed, shows where the tenant is, and asks.</summary>
    protected Task ConfirmAsync(
        bool confirmed,
        ConsoleOutput terminal,
        MigratorSettings settings,
        Databases databases,
        string question,
        CancellationToken cancellationToken
    ) =>
        terminal.ConfirmAsync(
            confirmed,
            Name,
            databases.Slug,
            async () =>
            {
                var status = await StatusReader.ReadAsync(settings, databases, databases.Slug, cancellationToken);
                StatusCommand.Show(terminal, terminal.Error, status);
                return question;
            },
            cancellationToken
        );

    static Slug? ParseSlug(ArgumentResult argument)
    {
        var text = argument.Tokens.Count == 1 ? argument.Tokens[0].Value : "";
        if (!Slug.TryParse(text, out var parsed))
            argument.AddError(UsageMessages.SlugInvalid(text));
        return parsed;
    }
}
