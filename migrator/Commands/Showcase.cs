using Migrator.Connections;
using Migrator.Demo;
using Migrator.Embedded;
using Migrator.Model;
using Migrator.Reporting;
using Migrator.Settings;
using Migrator.Terminal;
using Npgsql;
using Spectre.Console;

namespace Migrator.Commands;

/// <summary>The demo's acts, on the same code that the verbs run.</summary>
sealed class Showcase(
    ConsoleOutput terminal,
    EmbeddedCluster shared,
    EmbeddedCluster dedicated,
    MigratorSettings settings
)
{
    const string Mode = PromotionOptions.Online;

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
        (await PromotionReport.ReadAsync(databases, key, cancellationToken)).Write(Out, terminal.Verbose);
    }

    public Task RollBackAsync(CancellationToken cancellationToken) =>
        MeasureAsync(
            "rollback",
            SampleDatabase.Name,
            () => RunAsync(promotion => promotion.RollBackAsync(dropIsolated: false, force: false, cancellationToken))
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
                "INSERT INTO projects (tenant_id, name, owner_id) "
                    + "SELECT tenant_id, 'Written to the wrong place', id FROM users LIMIT 1",
                cancellationToken
            );
            throw new MigratorException(
                ExitCode.Different,
                "The shared database took a write of the tenant. This should not have happened: "
                    + "report it with all that stands above."
            );
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.ReadOnlySqlTransaction)
        {
            Out.MarkupLineInterpolated($"In {SampleDatabase.Name}: [yellow]{e.SqlState}[/] {e.MessageText}. {e.Hint}");
        }
    }

    /// <summary>The application has stopped; the tenant is isolated.</summary>
    public async Task CheckAsync(CancellationToken cancellationToken)
    {
        await using var isolated = Source(dedicated, slug.DatabaseName);
        var proof = await ledger!.CheckAsync(isolated, cancellationToken);
        var table = new Table().AddColumns("", $"{slug}", "other tenants").RoundedBorder();
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
                "The ledger does not hold. This should not have happened; report it:\n"
                    + string.Join('\n', proof.Faults)
            );
    }

    public Task ShowSidesAsync(CancellationToken cancellationToken) =>
        new ShowcaseSides(shared, dedicated, settings, slug).ShowAsync(Out, cancellationToken);

    public async Task KeepAsync()
    {
        await shared.LeaveRunningAsync();
        await dedicated.LeaveRunningAsync();
        // Plain lines: they are to be pasted, and a console would fold them.
        var admin = SampleDatabase.Admin;
        var database = SampleDatabase.Name;
        Console.Out.WriteLine("The servers stay up. To look around:");
        Console.Out.Write($"  export DB_HOST=127.0.0.1 DB_PORT={shared.Port} DB_USER={admin} ");
        Console.Out.Write($"DB_PASSWORD={shared.PasswordOf(admin)} ");
        Console.Out.WriteLine("MIGRATOR_REFERENCE__0=plans MIGRATOR_REFERENCE__1=feature_flags");
        Console.Out.Write($"  export TARGET_DB_HOST=127.0.0.1 TARGET_DB_PORT={dedicated.Port} ");
        Console.Out.WriteLine($"TARGET_DB_PASSWORD={dedicated.PasswordOf(admin)}");
        Console.Out.WriteLine("  artifacts/migrator/migrator list");
        Console.Out.WriteLine("  artifacts/migrator/migrator promote --tenant-slug=globex --dry-run");
        Console.Out.WriteLine($"  PGPASSWORD=$DB_PASSWORD psql -h 127.0.0.1 -p {shared.Port} -U {admin} {database}");
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
}
