using System.CommandLine;
using Migrator.Connections;
using Migrator.Demo;
using Migrator.Embedded;
using Migrator.Model;
using Migrator.Phases;
using Migrator.Progress;
using Migrator.Reporting;
using Migrator.Settings;
using Migrator.Terminal;
using Npgsql;
using Spectre.Console;

namespace Migrator.Commands;

/// <summary>All of it on two throw-away servers, under an application that writes all the time: promote, roll back, promote again, finalize.</summary>
sealed class DemoCommand : Command
{
    readonly Option<bool> keep = new("--keep")
    {
        Description = "Leave the servers running and say how to look around.",
    };
    readonly Option<long> rows = new("--rows")
    {
        Description = "Rows of the tenant that moves.",
        DefaultValueFactory = _ => 100_000,
    };

    public DemoCommand()
        : base("demo", "Show a promotion and a rollback on throw-away servers.")
    {
        Options.Add(keep);
        Options.Add(rows);
        SetAction(
            async (parsed, cancellationToken) =>
            {
                var terminal = new ConsoleOutput(Json: false, JsonLog: false, Verbose: false);
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
        var console = terminal.Out;
        void Step(string text) =>
            console.Write(new Rule($"[bold]{Markup.Escape(text)}[/]") { Justification = Justify.Left });

        Step("Two servers: one shared by eleven tenants, one empty");
        var binaries = await PostgresBinaries.FindOrInstallAsync(line => console.WriteLine(line), cancellationToken);
        await using var shared = await EmbeddedCluster.StartAsync(binaries, null, cancellationToken);
        await using var dedicated = await EmbeddedCluster.StartAsync(binaries, null, cancellationToken);
        await SampleDatabase.CreateRolesAsync(shared, cancellationToken);
        await SampleDatabase.CreateRolesAsync(dedicated, cancellationToken);
        await SampleDatabase.CreateAsync(shared, cancellationToken: cancellationToken);
        await SampleDatabase.FillAsync(shared, size: new(MainRows: rows), cancellationToken: cancellationToken);
        console.MarkupLineInterpolated(
            $"PostgreSQL {binaries.Major}: shared on port {shared.Port}, dedicated on port {dedicated.Port}."
        );

        var routing = Directory.CreateTempSubdirectory("migrator-routing-");
        var demo = new Showcase(
            terminal,
            shared,
            dedicated,
            new(
                new Tenancy { Reference = [.. SampleDatabase.ReferenceTables.Select(TableName.Parse)] },
                new(shared.ConnectionString(SampleDatabase.Name, SampleDatabase.Admin)),
                new(dedicated.ConnectionString("postgres", SampleDatabase.Admin)),
                routing.FullName
            )
        );
        try
        {
            await demo.ShowSidesAsync(cancellationToken);
            Step("The application runs: four writers of acme-corp, three of other tenants, until the end");
            await using var application = await demo.StartApplicationAsync(cancellationToken);

            Step("migrator promote --tenant-slug=acme-corp --confirm");
            await demo.PromoteAsync(cancellationToken);
            await demo.ShowSidesAsync(cancellationToken);

            Step("One instance still has the old route");
            await demo.WriteToTheWrongPlaceAsync(cancellationToken);

            Step("migrator rollback --tenant-slug=acme-corp --confirm");
            await demo.RollBackAsync(cancellationToken);
            await demo.ShowSidesAsync(cancellationToken);

            Step("Once more, for good: promote, then finalize");
            await demo.PromoteAsync(cancellationToken);
            await demo.FinalizeAsync(cancellationToken);
            await demo.ShowSidesAsync(cancellationToken);

            Step("The proof: what the application was told, and what stands in the databases");
            await application.StopAsync();
            await demo.CheckAsync(cancellationToken);
            if (keep)
                await demo.KeepAsync();
        }
        finally
        {
            if (!keep)
                routing.Delete(recursive: true);
        }
    }

    /// <summary>The demo's acts, on the same code that the verbs run.</summary>
    sealed class Showcase(
        ConsoleOutput terminal,
        EmbeddedCluster shared,
        EmbeddedCluster dedicated,
        MigratorSettings settings
    )
    {
        const string Mode = PromotionOptions.Online;

        static readonly string[] Shown = ["users", "projects", "agent_events", "audit_logs", "comments"];

        static readonly TimeSpan Baseline = TimeSpan.FromSeconds(2);

        /// <summary>A stretch of the demo, and the database that owned the tenant at its end.</summary>
        sealed record Span(string Name, string Database, long Began, long Ended);

        readonly List<Span> spans = [];
        readonly NpgsqlDataSource sharedRows = Source(shared, SampleDatabase.Name);
        Ledger? ledger;
        string key = "";

        readonly Slug slug = Slug.TryParse(SampleDatabase.MainSlug, out var parsed)
            ? parsed
            : throw new InvalidOperationException();

        IAnsiConsole Out => terminal.Out;

        /// <summary>Starts it, and lets it run for a moment: what the moves are compared with.</summary>
        public async Task<Application> StartApplicationAsync(CancellationToken cancellationToken)
        {
            await using var source = Source(shared, SampleDatabase.Name);
            await using var connection = await source.OpenConnectionAsync(cancellationToken);
            var others = await connection.QueryAsync<string>(
                "SELECT id::text FROM tenants WHERE slug <> @Text ORDER BY slug",
                new { slug.Text },
                cancellationToken
            );
            key = (
                await connection.ExecuteScalarAsync<string>(
                    "SELECT id::text FROM tenants WHERE slug = @Text",
                    new { slug.Text },
                    cancellationToken
                )
            )!;
            ledger = await Ledger.OpenAsync(sharedRows, key, terminal.Clock, cancellationToken);
            var application = Application.Start(shared, dedicated, ledger, key, others, new());
            await MeasureAsync(
                "before",
                SampleDatabase.Name,
                () => Task.Delay(Baseline, terminal.Clock, cancellationToken)
            );
            return application;
        }

        public async Task PromoteAsync(CancellationToken cancellationToken)
        {
            await MeasureAsync(
                "promote",
                slug.DatabaseName,
                () => RunAsync(promotion => promotion.PromoteAsync(cancellationToken))
            );
            await using var databases = Databases.For(settings, slug);
            (await PromotionReport.ReadAsync(settings, databases, slug, cancellationToken)).Write(Out);
        }

        public Task RollBackAsync(CancellationToken cancellationToken) =>
            MeasureAsync(
                "rollback",
                SampleDatabase.Name,
                () => RunAsync(promotion => promotion.RollBackAsync(dropIsolated: false, cancellationToken))
            );

        public Task FinalizeAsync(CancellationToken cancellationToken) =>
            MeasureAsync(
                "finalize",
                slug.DatabaseName,
                () =>
                    RunAsync(promotion =>
                        promotion.FinalizeAsync(FinalizeCommand.DefaultBatch, force: false, cancellationToken)
                    )
            );

        public async Task WriteToTheWrongPlaceAsync(CancellationToken cancellationToken)
        {
            await using var source = NpgsqlDataSource.Create(
                shared.ConnectionString(SampleDatabase.Name, SampleDatabase.Application)
            );
            await using var connection = await source.OpenConnectionAsync(cancellationToken);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            await connection.ExecuteAsync(
                "SELECT set_config('app.current_tenant_id', @key, true)",
                new { key },
                cancellationToken
            );
            try
            {
                await connection.ExecuteAsync(
                    "INSERT INTO projects (tenant_id, name, owner_id) SELECT tenant_id, 'Written to the wrong place', id FROM users LIMIT 1",
                    cancellationToken
                );
                throw new MigratorException(
                    ExitCode.Different,
                    "The shared database took a write of the tenant. This should not have happened: report it with all that stands above."
                );
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.ReadOnlySqlTransaction)
            {
                Out.MarkupLineInterpolated(
                    $"In {SampleDatabase.Name}: [yellow]{e.SqlState}[/] {e.MessageText}. {e.Hint}"
                );
            }
        }

        /// <summary>The application has stopped; the tenant is isolated.</summary>
        public async Task CheckAsync(CancellationToken cancellationToken)
        {
            await using var isolated = Source(dedicated, slug.DatabaseName);
            var proof = await ledger!.CheckAsync(isolated, cancellationToken);
            var table = new Spectre.Console.Table().AddColumns("", $"{slug}", "other tenants").RoundedBorder();
            table.AddRow("writes acknowledged", $"{proof.Moving.Writes:N0}", $"{proof.Others.Writes:N0}");
            table.AddRow("the rows they left", $"{proof.Moving.Rows:N0}", $"{proof.Others.Rows:N0}");
            if (proof.Faults.Count == 0)
                table.AddRow("each stands exactly once", "yes", "yes");
            else
                table.AddRow("[red]faults[/]", $"[red]{proof.Faults.Count}[/]", "");
            if (proof.Moving.Unknown + proof.Others.Unknown > 0)
                table.AddRow("outcome unknown", $"{proof.Moving.Unknown:N0}", $"{proof.Others.Unknown:N0}");
            foreach (var span in spans.Where(span => span.Name is "promote" or "rollback"))
                table.AddRow($"pause by {span.Name}", PauseOf(span), "none");
            foreach (var span in spans)
                table.AddRow(
                    span.Name == "before" ? "a write before: p50 / p95 / longest" : $"… during {span.Name}",
                    LatencyOf(span, ofMoving: true),
                    LatencyOf(span, ofMoving: false)
                );
            Out.Write(table);
            if (proof.Faults.Count > 0)
                throw new MigratorException(
                    ExitCode.Different,
                    $"The ledger does not hold. This should not have happened; report it:\n{string.Join('\n', proof.Faults)}"
                );
        }

        public async Task ShowSidesAsync(CancellationToken cancellationToken)
        {
            var table = new Spectre.Console.Table().AddColumns(["acme-corp's rows", .. Shown]).RoundedBorder();
            await AddAsync(table, shared, SampleDatabase.Name, cancellationToken);
            if (await ExistsAsync(cancellationToken))
                await AddAsync(table, dedicated, slug.DatabaseName, cancellationToken);
            Out.Write(table);
        }

        public async Task KeepAsync()
        {
            await shared.LeaveRunningAsync();
            await dedicated.LeaveRunningAsync();
            // Plain lines: they are to be pasted, and a console would fold them.
            var password = shared.PasswordOf(SampleDatabase.Admin);
            Console.Out.WriteLine("The servers stay up. To look around:");
            Console.Out.WriteLine(
                $"  export DB_HOST=127.0.0.1 DB_PORT={shared.Port} DB_USER={SampleDatabase.Admin} DB_PASSWORD={password} MIGRATOR_REFERENCE__0=plans MIGRATOR_REFERENCE__1=feature_flags"
            );
            Console.Out.WriteLine(
                $"  export TARGET_DB_HOST=127.0.0.1 TARGET_DB_PORT={dedicated.Port} TARGET_DB_PASSWORD={dedicated.PasswordOf(SampleDatabase.Admin)}"
            );
            Console.Out.WriteLine("  artifacts/migrator/migrator list");
            Console.Out.WriteLine("  artifacts/migrator/migrator promote --tenant-slug=globex --dry-run");
            Console.Out.WriteLine(
                $"  PGPASSWORD=$DB_PASSWORD psql -h 127.0.0.1 -p {shared.Port} -U {SampleDatabase.Admin} {SampleDatabase.Name}"
            );
            Console.Out.WriteLine("To end them:");
            Console.Out.WriteLine("  " + shared.RemoveCommand);
            Console.Out.WriteLine("  " + dedicated.RemoveCommand);
        }

        Task RunAsync(Func<Promotion, Task> verb) =>
            terminal.ShowProgressAsync(async progress =>
            {
                await using var databases = Databases.For(settings, slug);
                var options = new PromotionOptions(
                    Mode,
                    Jobs: 2,
                    CommonOptions.PauseOf(null, Mode),
                    Validate: true,
                    HealthUrls: []
                );
                await verb(new(settings, databases, options, progress, terminal.Clock));
            });

        async Task MeasureAsync(string name, string database, Func<Task> move)
        {
            var began = ledger!.Clock.GetTimestamp();
            await move();
            spans.Add(new(name, database, began, ledger.Clock.GetTimestamp()));
        }

        string PauseOf(Span span) =>
            ledger!.Pause(span.Database, span.Began) is { } pause ? $"{pause.TotalMilliseconds:N0} ms" : "no write yet";

        string LatencyOf(Span span, bool ofMoving) =>
            ledger!.Latency(ofMoving, span.Began, span.Ended) is { } times
                ? $"{times.Median:0.0} / {times.P95:0.0} / {times.Longest:N0} ms"
                : "no write";

        static NpgsqlDataSource Source(EmbeddedCluster server, string database) =>
            NpgsqlDataSource.Create(
                new NpgsqlConnectionStringBuilder(server.ConnectionString(database, SampleDatabase.Admin))
                {
                    Pooling = false,
                }
            );

        async Task<bool> ExistsAsync(CancellationToken cancellationToken)
        {
            await using var connection = new NpgsqlConnection(settings.Target.ConnectionString);
            await connection.OpenAsync(cancellationToken);
            return await connection.DatabaseExistsAsync(slug.DatabaseName, cancellationToken);
        }

        async Task AddAsync(
            Spectre.Console.Table table,
            EmbeddedCluster server,
            string database,
            CancellationToken cancellationToken
        )
        {
            await using var connection = new NpgsqlConnection(
                new NpgsqlConnectionStringBuilder(server.ConnectionString(database, SampleDatabase.Admin))
                {
                    Pooling = false,
                }.ConnectionString
            );
            await connection.OpenAsync(cancellationToken);
            var cells = new List<string> { $"{database}, port {server.Port}" };
            foreach (var name in Shown)
                cells.Add(
                    (
                        await connection.ExecuteScalarAsync<long>(
                            name == "comments"
                                ? "SELECT count(*) FROM comments c JOIN tasks k ON k.id = c.task_id JOIN tenants t ON t.id = k.tenant_id WHERE t.slug = @Text"
                                : $"SELECT count(*) FROM {Sql.Identifier(name)} r JOIN tenants t ON t.id = r.tenant_id WHERE t.slug = @Text",
                            new { slug.Text },
                            cancellationToken
                        )
                    ).ToString("N0")
                );
            table.AddRow([.. cells]);
        }
    }
}
