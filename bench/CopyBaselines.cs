using System.Diagnostics;
using System.Text.Json.Nodes;
using CliWrap;
using CliWrap.Buffered;
using Dapper;
using Migrator.Copying;
using Migrator.Demo;
using Migrator.Embedded;
using Migrator.Scope;
using Npgsql;

namespace Bench;

/// <summary>Several ways to copy one tenant from one server to the other.</summary>
sealed class CopyBaselines(EmbeddedCluster shared, EmbeddedCluster dedicated)
{
    const string Pipe = "pipe";

    /// <summary>The real program, as a user starts it.</summary>
    public async Task<PromotionTimes> PromoteAsync(string database)
    {
        var (seconds, peak, output) = await MigratorAsync(database, "promote", "--no-validate");
        await MigratorAsync(database, "rollback", "--drop-isolated");
        var promotion = JsonNode.Parse(output)!["promotion"]!;
        return new(
            [.. promotion["phases"]!.AsArray().Select(phase => ((string)phase!["name"]!, (double)phase["seconds"]!))],
            seconds,
            (long)promotion["rows"]!,
            peak
        );
    }

    async Task<(double Seconds, double PeakMegabytes, string Output)> MigratorAsync(
        string database,
        string verb,
        string flag
    )
    {
        using var process = new Process { StartInfo = Start(database, verb, flag) };
        var watch = Stopwatch.StartNew();
        process.Start();
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        double peak = 0;
        while (!process.WaitForExit(20))
        {
            process.Refresh();
            if (!process.HasExited)
                peak = Math.Max(peak, process.PeakWorkingSet64 / 1048576.0);
        }
        var seconds = watch.Elapsed.TotalSeconds;
        return process.ExitCode == 0
            ? (seconds, peak, await output)
            : throw new InvalidOperationException(await errors);
    }

    ProcessStartInfo Start(string database, string verb, string flag)
    {
        var program = Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "migrator.exe" : "migrator");
        string[] arguments = [verb, "--tenant-slug", BenchmarkServers.Slug.Text, "--confirm", "--json", flag];
        var start = new ProcessStartInfo(program, [.. arguments, "--routing-dir", Path.GetTempPath()])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["MIGRATOR_SOURCE"] = shared.ConnectionString(database, SampleDatabase.Admin);
        start.Environment["MIGRATOR_TARGET"] = dedicated.ConnectionString("postgres", SampleDatabase.Admin);
        foreach (var (name, n) in SampleDatabase.ReferenceTables.Select((name, n) => (name, n)))
            start.Environment[$"MIGRATOR_REFERENCE__{n}"] = name;
        return start;
    }

    /// <summary>
    /// What a careful person scripts: pre-data, each table through a pipe of two psql, post-data, ANALYZE.
    /// </summary>
    /// <returns>Seconds.</returns>
    public async Task<double> PipeAsync(string database)
    {
        await using var source = new NpgsqlConnection(shared.ConnectionString(database));
        await source.OpenAsync();
        var (tenancy, slug) = (BenchmarkServers.Tenancy, BenchmarkServers.Slug);
        var scope = await TenantScope.ReadAsync(source, tenancy, CancellationToken.None);
        var tenant = await TenantLookup.FindAsync(source, tenancy, slug, CancellationToken.None);
        await dedicated.DropDatabaseAsync(Pipe);
        var watch = Stopwatch.StartNew();
        await dedicated.CreateDatabaseAsync(Pipe, SampleDatabase.Admin);
        await PipeSchemaAsync(database, Pipe, ["pre-data"]);
        foreach (var table in scope.CopiedTables)
        {
            var columns = RawCopy.Columns(table.Table);
            var rows = $"SELECT {columns} FROM {table.Table.From} t WHERE {scope.Condition(table, "t", tenant.Id)}";
            await PipeAsync(
                BenchmarkServers.Tool("psql", shared, database, "-qXc", $"COPY ({rows}) TO STDOUT (FORMAT BINARY)"),
                BenchmarkServers.Tool(
                    "psql",
                    dedicated,
                    Pipe,
                    "-qXc",
                    $"COPY {table.Name.Quoted} ({columns}) FROM STDIN (FORMAT BINARY)"
                )
            );
        }
        await PipeSchemaAsync(database, Pipe, ["post-data"]);
        await BenchmarkServers.Tool("psql", dedicated, Pipe, "-qXc", "ANALYZE").ExecuteAsync();
        return watch.Elapsed.TotalSeconds;
    }

    /// <summary>Makes what the sections of the schema hold, which the shared database has.</summary>
    public Task PipeSchemaAsync(string database, string target, string[] sections) =>
        PipeAsync(
            BenchmarkServers.Tool(
                "pg_dump",
                shared,
                database,
                [
                    "--format=custom",
                    "--no-publications",
                    "--exclude-schema=tenant_promotion",
                    .. sections.Select(section => $"--section={section}"),
                ]
            ),
            BenchmarkServers.Tool("pg_restore", dedicated, target, "--dbname", target)
        );

    /// <returns>Seconds, or null when pgcopydb is not installed.</returns>
    public async Task<double?> PgcopydbAsync()
    {
        try
        {
            await Cli.Wrap("pgcopydb").WithArguments(["version"]).ExecuteBufferedAsync();
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
        const string database = "cloned";
        await shared.CreateDatabaseAsync(database, SampleDatabase.Admin);
        var folder = Directory.CreateTempSubdirectory("bench-pgcopydb-");
        var watch = Stopwatch.StartNew();
        string[] clone = ["clone", "--source", Uri(dedicated, Pipe), "--target", Uri(shared, database)];
        string[] how = ["--dir", folder.FullName, "--table-jobs", "2", "--index-jobs", "2", "--skip-extensions"];
        await Cli.Wrap("pgcopydb")
            .WithArguments([.. clone, .. how])
            .WithValidation(CommandResultValidation.ZeroExitCode)
            .ExecuteBufferedAsync();
        await BenchmarkServers.Tool("psql", shared, database, "-qXc", "ANALYZE").ExecuteAsync();
        var seconds = watch.Elapsed.TotalSeconds;
        folder.Delete(recursive: true);
        await shared.DropDatabaseAsync(database);
        return seconds;
    }

    /// <summary>The script that all this replaces: read a row, insert a row.</summary>
    public async Task<(double Seconds, long Rows)> RowByRowAsync(string database, int count)
    {
        await using var source = new NpgsqlConnection(shared.ConnectionString(database));
        await using var target = new NpgsqlConnection(dedicated.ConnectionString(Pipe));
        await source.OpenAsync();
        await target.OpenAsync();
        await target.ExecuteAsync("CREATE TABLE row_by_row (LIKE users INCLUDING ALL)");
        await using var read = new NpgsqlCommand(
            $"SELECT id, tenant_id, email::text, display_name, roles, preferences::text FROM users LIMIT {count}",
            source
        );
        await using var reader = await read.ExecuteReaderAsync();
        var watch = Stopwatch.StartNew();
        long rows = 0;
        while (await reader.ReadAsync())
        {
            await using var insert = new NpgsqlCommand(
                """
                INSERT INTO row_by_row (id, tenant_id, email, display_name, roles, preferences)
                    VALUES ($1, $2, $3, $4, $5, $6::jsonb)
                """,
                target
            );
            for (var column = 0; column < reader.FieldCount; column++)
                insert.Parameters.Add(new() { Value = reader.GetValue(column) });
            await insert.ExecuteNonQueryAsync();
            rows++;
        }
        return (watch.Elapsed.TotalSeconds, rows);
    }

    static async Task PipeAsync(Command from, Command to) => await (from | to).ExecuteAsync();

    static string Uri(EmbeddedCluster server, string database)
    {
        var password = System.Uri.EscapeDataString(server.PasswordOf(EmbeddedCluster.Superuser));
        return $"postgres://{EmbeddedCluster.Superuser}:{password}@{EmbeddedCluster.Host}:{server.Port}/{database}";
    }
}
