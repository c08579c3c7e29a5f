using System.CommandLine;
using Dapper;
using Migrator.Connections;
using Migrator.Console;
using Migrator.Demo;
using Migrator.Embedded;
using Migrator.Model;
using Migrator.Phases;
using Migrator.Reporting;
using Migrator.Settings;
using Npgsql;
using Spectre.Console;

namespace Migrator.Commands;

/// <summary>All of it on two throw-away servers: promote, write, roll back, promote again, finalize.</summary>
sealed class DemoCommand : Command
{
    readonly Option<bool> keep = new("--keep") { Description = "Leave the servers running and say how to look around." };
    readonly Option<long> rows = new("--rows") { Description = "Rows of the tenant that moves.", DefaultValueFactory = _ => 200_000 };

    public DemoCommand() : base("demo", "Show a promotion and a rollback on throw-away servers.")
    {
        Options.Add(keep);
        Options.Add(rows);
        SetAction(async (parsed, cancel) =>
        {
            var terminal = new Terminal(Json: false, JsonLog: false, Verbose: false);
            try
            {
                await RunAsync(terminal, parsed.GetValue(rows), parsed.GetValue(keep), cancel);
                return (int)ExitCode.Done;
            }
            catch (Exception e) when (Promotion.Translate(e, cancel) is { } failure)
            {
                terminal.Fail(failure);
                return (int)failure.Code;
            }
            catch (OperationCanceledException)
            {
                return (int)ExitCode.Interrupted;
            }
        });
    }

    static async Task RunAsync(Terminal terminal, long rows, bool keep, CancellationToken cancel)
    {
        var console = terminal.Out;
        void Step(string text) => console.Write(new Rule($"[bold]{Markup.Escape(text)}[/]") { Justification = Justify.Left });

        Step("Two servers: one shared by eleven tenants, one empty");
        var binaries = await PostgresBinaries.FindOrInstallAsync(line => console.WriteLine(line), cancel);
        await using var shared = await EmbeddedCluster.StartAsync(binaries, null, cancel);
        await using var dedicated = await EmbeddedCluster.StartAsync(binaries, null, cancel);
        await SampleDatabase.CreateRolesAsync(shared, cancel);
        await SampleDatabase.CreateRolesAsync(dedicated, cancel);
        await SampleDatabase.CreateAsync(shared, cancellationToken: cancel);
        await SampleDatabase.FillAsync(shared, size: new(MainRows: rows), cancellationToken: cancel);
        console.MarkupLineInterpolated($"PostgreSQL {binaries.Major}: shared on port {shared.Port}, dedicated on port {dedicated.Port}.");

        var routing = Directory.CreateTempSubdirectory("migrator-routing-");
        var demo = new Showcase(terminal, shared, dedicated, new(
            new Tenancy { Reference = [.. SampleDatabase.ReferenceTables.Select(TableName.Parse)] },
            new(shared.ConnectionString(SampleDatabase.Name, SampleDatabase.Admin)), new(dedicated.ConnectionString("postgres", SampleDatabase.Admin)), routing.FullName));
        try
        {
            await demo.ShowSidesAsync(cancel);
            Step("migrator promote --tenant-slug=acme-corp --confirm");
            await demo.PromoteAsync(cancel);
            await demo.ShowSidesAsync(cancel);

            Step("The application goes on in its new database; one instance still has the old route");
            await demo.WriteAsync(cancel);

            Step("migrator rollback --tenant-slug=acme-corp --confirm");
            await demo.RollBackAsync(cancel);
            await demo.ShowSidesAsync(cancel);

            Step("Once more, for good: promote, then finalize");
            await demo.PromoteAsync(cancel);
            await demo.FinalizeAsync(cancel);
            await demo.ShowSidesAsync(cancel);
            if (keep) await demo.KeepAsync();
        }
        finally
        {
            if (!keep) routing.Delete(recursive: true);
        }
    }

    /// <summary>The demo's acts, on the same code that the verbs run.</summary>
    sealed class Showcase(Terminal terminal, EmbeddedCluster shared, EmbeddedCluster dedicated, MigratorSettings settings)
    {
        static readonly string[] Shown = ["users", "projects", "agent_events", "audit_logs", "comments"];

        readonly Slug slug = Slug.TryParse(SampleDatabase.MainSlug, out var parsed) ? parsed : throw new InvalidOperationException();

        IAnsiConsole Out => terminal.Out;

        public async Task PromoteAsync(CancellationToken cancel)
        {
            await terminal.ShowProgressAsync(progress => Promotion(progress).PromoteAsync(cancel));
            await using var databases = Databases.For(settings, slug);
            (await PromotionReport.ReadAsync(settings, databases, slug, cancel)).Write(Out);
        }

        public Task RollBackAsync(CancellationToken cancel) => terminal.ShowProgressAsync(progress => Promotion(progress).RollBackAsync(dropIsolated: false, cancel));

        public Task FinalizeAsync(CancellationToken cancel) =>
            terminal.ShowProgressAsync(progress => Promotion(progress).FinalizeAsync(FinalizeCommand.DefaultBatch, force: false, cancel));

        public async Task WriteAsync(CancellationToken cancel)
        {
            var inserted = await AsApplicationAsync(dedicated, slug.DatabaseName, """
                INSERT INTO projects (tenant_id, name, owner_id) SELECT tenant_id, 'Born in isolation', id FROM users LIMIT 1;
                UPDATE users SET display_name = display_name || ' II' WHERE id IN (SELECT id FROM users ORDER BY id LIMIT 100);
                """, cancel);
            Out.MarkupLineInterpolated($"In {slug.DatabaseName}: {inserted} rows written; the updated_at and audit triggers did their part.");
            try
            {
                await AsApplicationAsync(shared, SampleDatabase.Name, "INSERT INTO projects (tenant_id, name, owner_id) SELECT tenant_id, 'Written to the wrong place', id FROM users LIMIT 1", cancel);
                Out.MarkupLine("[red]The shared database took a write of the tenant.[/]");
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.ReadOnlySqlTransaction)
            {
                Out.MarkupLineInterpolated($"In {SampleDatabase.Name}: [yellow]{e.SqlState}[/] {e.MessageText}. {e.Hint}");
            }
        }

        public async Task ShowSidesAsync(CancellationToken cancel)
        {
            var table = new Spectre.Console.Table().AddColumns(["acme-corp's rows", .. Shown]).RoundedBorder();
            await AddAsync(table, shared, SampleDatabase.Name, cancel);
            if (await ExistsAsync(cancel)) await AddAsync(table, dedicated, slug.DatabaseName, cancel);
            Out.Write(table);
        }

        public async Task KeepAsync()
        {
            await shared.LeaveRunningAsync();
            await dedicated.LeaveRunningAsync();
            var password = shared.PasswordOf(SampleDatabase.Admin);
            Out.WriteLine("The servers stay up. To look around:");
            Out.WriteLine($"  export DB_HOST=127.0.0.1 DB_PORT={shared.Port} DB_USER={SampleDatabase.Admin} DB_PASSWORD={password} MIGRATOR_REFERENCE__0=plans MIGRATOR_REFERENCE__1=feature_flags");
            Out.WriteLine($"  export TARGET_DB_HOST=127.0.0.1 TARGET_DB_PORT={dedicated.Port} TARGET_DB_PASSWORD={dedicated.PasswordOf(SampleDatabase.Admin)}");
            Out.WriteLine("  artifacts/migrator/migrator list");
            Out.WriteLine("  artifacts/migrator/migrator promote --tenant-slug=globex --dry-run");
            Out.WriteLine($"  PGPASSWORD=$DB_PASSWORD psql -h 127.0.0.1 -p {shared.Port} -U {SampleDatabase.Admin} {SampleDatabase.Name}");
            Out.WriteLine("To end them:");
            Out.WriteLine("  " + shared.RemoveCommand);
            Out.WriteLine("  " + dedicated.RemoveCommand);
        }

        Promotion Promotion(IPromotionProgress progress) => new(
            settings, slug, new(PromotionOptions.Fenced, Jobs: 2, TimeSpan.FromSeconds(30), Validate: true, []), progress, terminal.Clock);

        async Task<int> AsApplicationAsync(EmbeddedCluster server, string database, string sql, CancellationToken cancel)
        {
            await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(server.ConnectionString(database, SampleDatabase.Application)) { Pooling = false });
            await using var connection = await source.OpenConnectionAsync(cancel);
            await using var transaction = await connection.BeginTransactionAsync(cancel);
            await connection.ExecuteAsync("SELECT set_config('app.current_tenant_id', @key, true)", new { key = await KeyAsync(cancel) });
            var rows = await connection.ExecuteAsync(sql);
            await transaction.CommitAsync(cancel);
            return rows;
        }

        async Task<string> KeyAsync(CancellationToken cancel)
        {
            await using var connection = new NpgsqlConnection(settings.Source.ConnectionString);
            await connection.OpenAsync(cancel);
            return (await connection.ExecuteScalarAsync<string>("SELECT id::text FROM tenants WHERE slug = @Text", new { slug.Text }))!;
        }

        async Task<bool> ExistsAsync(CancellationToken cancel)
        {
            await using var connection = new NpgsqlConnection(settings.Target.ConnectionString);
            await connection.OpenAsync(cancel);
            return await connection.ExecuteScalarAsync<bool>("SELECT EXISTS (SELECT FROM pg_database WHERE datname = @DatabaseName)", new { slug.DatabaseName });
        }

        async Task AddAsync(Spectre.Console.Table table, EmbeddedCluster server, string database, CancellationToken cancel)
        {
            await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(server.ConnectionString(database, SampleDatabase.Admin)) { Pooling = false }.ConnectionString);
            await connection.OpenAsync(cancel);
            var cells = new List<string> { $"{database}, port {server.Port}" };
            foreach (var name in Shown)
                cells.Add((await connection.ExecuteScalarAsync<long>(
                    name == "comments"
                        ? "SELECT count(*) FROM comments c JOIN tasks k ON k.id = c.task_id JOIN tenants t ON t.id = k.tenant_id WHERE t.slug = @Text"
                        : $"SELECT count(*) FROM {Sql.Identifier(name)} r JOIN tenants t ON t.id = r.tenant_id WHERE t.slug = @Text", new { slug.Text })).ToString("N0"));
            table.AddRow([.. cells]);
        }
    }
}
