using System.CommandLine;
using System.CommandLine.Parsing;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Telemetry;
using Migrator.Terminal;

namespace Migrator.Commands;

/// <summary>A verb that moves a tenant or its rows, and of which metrics and traces tell.</summary>
abstract class MoveCommand : TenantCommand
{
    readonly Option<ListenAddress?> metricsListen;

    protected MoveCommand(string name, string description)
        : base(name, description) =>
        metricsListen = Add<ListenAddress?>(
            new("--metrics-listen")
            {
                Description =
                    "Offer metrics to Prometheus while the run works: a port of localhost, or *:9464 for all addresses.",
                HelpName = "[HOST:]PORT",
                CustomParser = ParseAddress,
            }
        );

    /// <summary>What metrics call the run.</summary>
    protected virtual string VerbOf(ParseResult parsed) => Name;

    protected override async Task<ExitCode> RunAsync(
        ParseResult parsed,
        ConsoleOutput terminal,
        CancellationToken cancellationToken
    )
    {
        using var observer = RunObserver.Start(
            parsed.GetValue(metricsListen),
            SlugOf(parsed),
            VerbOf(parsed),
            Environment.GetEnvironmentVariable,
            terminal.Clock
        );
        terminal.Observer = observer;
        return await base.RunAsync(parsed, terminal, cancellationToken);
    }

    static ListenAddress? ParseAddress(ArgumentResult argument)
    {
        if (ListenAddress.TryParse(argument.Tokens[0].Value, out var address))
            return address;
        argument.AddError(MetricsMessages.ListenInvalid);
        return null;
    }
}
