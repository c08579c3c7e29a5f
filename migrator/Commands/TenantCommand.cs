using System.CommandLine;
using System.CommandLine.Parsing;
using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Settings;
using Migrator.Terminal;

namespace Migrator.Commands;

/// <summary>The options that every verb has, and the way from parsed options to an exit code.</summary>
abstract class MigratorCommand : Command
{
    readonly Option<bool> json = new("--json") { Description = "Print one JSON document on standard output." };
    readonly Option<string> logFormat = new("--log-format")
    {
        Description = "text, or json for Cloud Logging (on standard error).",
        DefaultValueFactory = _ => "text",
    };
    readonly Option<bool> verbose = new("--verbose") { Description = "Show the cause of a failure." };
    readonly Option<string?> settingsFile = new("--settings")
    {
        Description = "The settings file (default tenancy.json).",
    };
    protected readonly Option<string?> target = new("--target")
    {
        Description = "The isolated database's server: host[:port] (default TARGET_DB_HOST, or the shared one).",
    };
    readonly Option<string?> routingDirectory = new("--routing-dir")
    {
        Description = "Folder of the routing documents (default config/routing).",
    };

    protected MigratorCommand(string name, string description)
        : base(name, description)
    {
        logFormat.AcceptOnlyFromAmong("text", "json");
        Options.Add(json);
        Options.Add(logFormat);
        Options.Add(verbose);
        Options.Add(settingsFile);
        Options.Add(target);
        Options.Add(routingDirectory);
        SetAction(
            async (parsed, cancellationToken) =>
            {
                var terminal = new ConsoleOutput(
                    parsed.GetValue(json),
                    parsed.GetValue(logFormat) == "json",
                    parsed.GetValue(verbose)
                );
                try
                {
                    return (int)await RunAsync(parsed, terminal, cancellationToken);
                }
                catch (Exception e)
                {
                    var failure =
                        ServerFailure.From(e, cancellationToken)
                        ?? (
                            cancellationToken.IsCancellationRequested
                                ? new MigratorException(ExitCode.Interrupted, "Interrupted.", e)
                                : ServerMessages.Bug(e)
                        );
                    terminal.Fail(failure);
                    return (int)failure.Code;
                }
            }
        );
    }

    protected abstract Task<ExitCode> RunAsync(
        ParseResult parsed,
        ConsoleOutput terminal,
        CancellationToken cancellationToken
    );

    protected MigratorSettings ReadSettings(ParseResult parsed) =>
        MigratorSettings.Read(
            parsed.GetValue(settingsFile),
            parsed.GetValue(target),
            parsed.GetValue(routingDirectory)
        );
}

/// <summary>A verb about one tenant.</summary>
abstract class TenantCommand : MigratorCommand
{
    readonly Option<Slug> slug = new("--tenant-slug")
    {
        Description = "The tenant, as in acme-corp.",
        Required = true,
        CustomParser = ParseSlug,
    };

    protected TenantCommand(string name, string description)
        : base(name, description) => Options.Add(slug);

    protected override async Task<ExitCode> RunAsync(
        ParseResult parsed,
        ConsoleOutput terminal,
        CancellationToken cancellationToken
    )
    {
        var tenant = parsed.GetValue(slug)!;
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

    static Slug? ParseSlug(ArgumentResult argument)
    {
        var text = argument.Tokens.Count == 1 ? argument.Tokens[0].Value : "";
        if (!Slug.TryParse(text, out var parsed))
            argument.AddError(UsageMessages.SlugInvalid(text));
        return parsed;
    }
}
