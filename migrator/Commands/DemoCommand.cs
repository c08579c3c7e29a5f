using System.CommandLine;
using Migrator.Connections;
using Migrator.Demo;
using Migrator.Embedded;
using Migrator.Model;
using Migrator.Settings;
using Migrator.Terminal;
using Spectre.Console;

namespace Migrator.Commands;

/// <summary>
/// All of it on two throw-away servers, under an application that writes all the time: promote, roll back, promote
/// again, finalize.
/// </summary>
sealed class DemoCommand : Command
{
    readonly Option<bool> keep;
    readonly Option<long> rows;
    readonly Option<bool> verbose;

    public DemoCommand()
        : base("demo", "Show a promotion and a rollback on throw-away servers.")
    {
        Options.Add(keep = new("--keep") { Description = "Leave the servers running and say how to look around." });
        Options.Add(
            rows = new("--rows") { Description = "Rows of the tenant that moves.", DefaultValueFactory = _ => 100_000 }
        );
        Options.Add(verbose = new("--verbose") { Description = "Show all tables, checks and phases." });
        SetAction(
            async (parsed, cancellationToken) =>
            {
                var terminal = new ConsoleOutput(Json: false, JsonLog: false, parsed.GetValue(verbose));
                try
                {
                    await RunAsync(terminal, parsed.GetValue(rows), parsed.GetValue(keep), cancellationToken);
                    return (int)ExitCode.Done;
                }
                catch (Exception e) when (ServerFailure.From(e, cancellationToken) is { } failure)
                {
                    terminal.Fail(failure);
                    return (int)failure.Code;
                }
                catch (OperationCanceledException)
                {
                    return (int)ExitCode.Interrupted;
                }
            }
        );
    }

    static async Task RunAsync(ConsoleOutput terminal, long rows, bool keep, CancellationToken cancellationToken)
    {
        Step(terminal, "Two servers: one shared by eleven tenants, one empty");
        var binaries = await PostgresBinaries.FindOrInstallAsync(
            line => terminal.Out.WriteLine(line),
            cancellationToken
        );
        await using var shared = await EmbeddedCluster.StartAsync(binaries, null, cancellationToken);
        await using var dedicated = await EmbeddedCluster.StartAsync(binaries, null, cancellationToken);
        await SampleDatabase.CreateRolesAsync(shared, cancellationToken);
        await SampleDatabase.CreateRolesAsync(dedicated, cancellationToken);
        await SampleDatabase.CreateAsync(shared, cancellationToken: cancellationToken);
        await SampleDatabase.FillAsync(shared, size: new(MainRows: rows), cancellationToken: cancellationToken);
        terminal.Out.MarkupLineInterpolated(
            $"PostgreSQL {binaries.Major}: shared on port {shared.Port}, dedicated on port {dedicated.Port}."
        );

        var routing = Directory.CreateTempSubdirectory("migrator-routing-");
        var settings = SettingsOf(shared, dedicated, routing.FullName);
        try
        {
            await ShowAsync(terminal, new(terminal, shared, dedicated, settings), keep, cancellationToken);
        }
        finally
        {
            if (!keep)
                routing.Delete(recursive: true);
        }
    }

    static MigratorSettings SettingsOf(EmbeddedCluster shared, EmbeddedCluster dedicated, string routing) =>
        new(
            new Tenancy { Reference = [.. SampleDatabase.ReferenceTables.Select(TableName.Parse)] },
            new(shared.ConnectionString(SampleDatabase.Name, SampleDatabase.Admin)),
            new(dedicated.ConnectionString("postgres", SampleDatabase.Admin)),
            routing
        );

    static async Task ShowAsync(ConsoleOutput terminal, Showcase demo, bool keep, CancellationToken cancellationToken)
    {
        await demo.ShowSidesAsync(cancellationToken);
        Step(terminal, "The application runs: four writers of acme-corp, three of other tenants, until the end");
        await using var application = await demo.StartApplicationAsync(cancellationToken);

        Step(terminal, "migrator promote --tenant-slug=acme-corp --confirm");
        await demo.PromoteAsync(cancellationToken);
        await demo.ShowSidesAsync(cancellationToken);

        Step(terminal, "One instance still has the old route");
        await demo.WriteToTheWrongPlaceAsync(cancellationToken);

        Step(terminal, "migrator rollback --tenant-slug=acme-corp --confirm");
        await demo.RollBackAsync(cancellationToken);
        await demo.ShowSidesAsync(cancellationToken);

        Step(terminal, "Once more, for good: promote, then finalize");
        await demo.PromoteAsync(cancellationToken);
        await demo.FinalizeAsync(cancellationToken);
        await demo.ShowSidesAsync(cancellationToken);

        Step(terminal, "The proof: what the application was told, and what stands in the databases");
        await application.StopAsync();
        await demo.CheckAsync(cancellationToken);
        if (keep)
            await demo.KeepAsync();
    }

    static void Step(ConsoleOutput terminal, string text) =>
        terminal.Out.Write(new Rule($"[bold]{Markup.Escape(text)}[/]") { Justification = Justify.Left });
}
