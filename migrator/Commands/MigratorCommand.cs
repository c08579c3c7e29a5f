using System.CommandLine;
using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Settings;
using Migrator.Terminal;

namespace Migrator.Commands;

/// <summary>The options that every verb has, and the way from parsed options to an exit code.</summary>
abstract class MigratorCommand : Command
{
    readonly Option<bool> json;
    readonly Option<string> logFormat;
    readonly Option<bool> verbose;
    readonly Option<string?> settingsFile;
    readonly Option<string?> routingDirectory;

    protected MigratorCommand(string name, string description)
        : base(name, description)
    {
        json = Add<bool>(new("--json") { Description = "Print one JSON document on standard output." });
        logFormat = Add<string>(
            new("--log-format")
            {
                Description = "text, or json for Cloud Logging (on standard error).",
                DefaultValueFactory = _ => "text",
            }
        );
        logFormat.AcceptOnlyFromAmong("text", "json");
        verbose = Add<bool>(
            new("--verbose") { Description = "Show the cause of a failure, and all tables of a report." }
        );
        settingsFile = Add<string?>(new("--settings") { Description = "The settings file (default tenancy.json)." });
        Target = Add<string?>(
            new("--target")
            {
                Description =
                    "The isolated database's server: host[:port] (default TARGET_DB_HOST, or the shared one).",
            }
        );
        routingDirectory = Add<string?>(
            new("--routing-dir") { Description = "Folder of the routing documents (default config/routing)." }
        );
        SetAction(InvokeAsync);
    }

    protected Option<string?> Target { get; }

    /// <summary>Declares an option where it is bound.</summary>
    protected Option<T> Add<T>(Option<T> option)
    {
        Options.Add(option);
        return option;
    }

    protected abstract Task<ExitCode> RunAsync(
        ParseResult parsed,
        ConsoleOutput terminal,
        CancellationToken cancellationToken
    );

    /// <param name="otherwise">The file that is read if the command line names none; null for the usual one.</param>
    protected MigratorSettings ReadSettings(ParseResult parsed, string? otherwise = null) =>
        MigratorSettings.Read(
            parsed.GetValue(settingsFile) ?? otherwise,
            parsed.GetValue(Target),
            parsed.GetValue(routingDirectory)
        );

    /// <summary>The settings as far as they can be read, and what is wrong with the rest.</summary>
    protected (MigratorSettings Settings, IReadOnlyList<string> Faults) TryReadSettings(ParseResult parsed)
    {
        var faults = new List<string>();
        var settings = MigratorSettings.Read(
            parsed.GetValue(settingsFile),
            parsed.GetValue(Target),
            parsed.GetValue(routingDirectory),
            faults
        );
        return (settings, faults);
    }

    async Task<int> InvokeAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var terminal = new ConsoleOutput(
            parsed.GetValue(json),
            parsed.GetValue(logFormat) == "json",
            parsed.GetValue(verbose)
        )
        {
            Advice = Advice.From(parsed),
        };
        try
        {
            return (int)await RunAsync(parsed, terminal, cancellationToken);
        }
        catch (Exception e)
        {
            var failure = FailureOf(e, cancellationToken);
            terminal.Fail(failure);
            return (int)failure.Code;
        }
    }

    static MigratorException FailureOf(Exception e, CancellationToken cancellationToken) =>
        ServerFailure.From(e, cancellationToken)
        ?? (
            cancellationToken.IsCancellationRequested
                ? new MigratorException(ExitCode.Interrupted, "Interrupted.", e)
                : ServerMessages.Bug(e)
        );
}
