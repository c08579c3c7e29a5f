using Dapper;
using Migrator.Demo;
using Migrator.Model;
using Npgsql;
using Spectre.Console;

namespace Bench;

/// <summary>
/// What the tenant's writes cost while its guard is open: transactions of one row, and one statement of many. A trigger
/// that does nothing shows what any guard by triggers costs.
/// </summary>
sealed class GuardScenario(BenchmarkServers servers, Summary summary)
{
    static readonly int[] Writers = [4, 16, 32];

    public async Task RunAsync()
    {
        var database = await servers.ModerateAsync("guard");
        using var move = new Move(servers, database);
        await using var source = NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(servers.Shared.ConnectionString(database, SampleDatabase.Admin))
            {
                MaxPoolSize = 64,
                MaxAutoPrepare = 5,
            }
        );
        await GuardedWrites.PrepareAsync(source);
        var (without, empty, with) = (new Measured(), new Measured(), new Measured());
        for (var round = 0; round < servers.Rounds; round++)
        {
            await MeasureAsync(source, without);
            await GuardedWrites.AddEmptyTriggerAsync(source);
            await MeasureAsync(source, empty);
            await GuardedWrites.DropEmptyTriggerAsync(source);
            await move.PromoteUntilAsync(PhaseName.StartStreaming);
            await MeasureAsync(source, with);
            await move.RollBackAsync(dropIsolated: true);
        }

        Show(without, empty, with);
    }

    void Show(Measured without, Measured empty, Measured with)
    {
        var table = new Table()
            .AddColumns("writes of the tenant", "without", "empty trigger", "guard open")
            .RoundedBorder();
        foreach (var load in without.Rates.Keys)
            Add(
                table,
                $"{load.Writers} writers, transactions/s, {(load.Flushed ? "fsync" : "no fsync")}",
                [.. ((Measured[])[without, empty, with]).Select(measured => measured.Rates[load].Max())],
                Wanted.AtLeast(0.95)
            );
        Add(
            table,
            $"{GuardedWrites.ManyRows:N0} rows in a statement, ms",
            [.. ((Measured[])[without, empty, with]).Select(measured => measured.Bulk.Min())],
            Wanted.AtMost(1.3)
        );
        table.AddRow("multixacts made", $"{without.Multixacts}", $"{empty.Multixacts}", $"{with.Multixacts}");
        AnsiConsole.Write(table);
        summary.Add("multixacts that the open guard made", with.Multixacts - without.Multixacts, Wanted.AtMost(0));
    }

    void Add(Table table, string what, double[] figures, Wanted wanted)
    {
        table.AddRow([
            what,
            $"{figures[0]:N0}",
            .. figures.Skip(1).Select(figure => $"{figure:N0} ({figure / figures[0]:0.00})"),
        ]);
        summary.Add($"{what}, guard open against without", figures[^1] / figures[0], wanted);
    }

    async Task MeasureAsync(NpgsqlDataSource source, Measured measured)
    {
        var before = await MultixactAsync();
        foreach (var flushed in (bool[])[true, false])
        {
            await SetFlushedAsync(flushed);
            foreach (var writers in Writers)
                measured.Rates[(flushed, writers)].Add(await GuardedWrites.RateAsync(source, writers, servers.Length));
        }
        measured.Bulk.Add(await GuardedWrites.BulkAsync(source));
        await SetFlushedAsync(true);
        measured.Multixacts += await MultixactAsync() - before;
    }

    // With a commit that waits for the disk, as applications meet it; and without, where nothing hides behind the disk.
    async Task SetFlushedAsync(bool flushed)
    {
        await using var connection = Superuser();
        await connection.ExecuteAsync($"ALTER SYSTEM SET fsync = {(flushed ? "on" : "off")}");
        await connection.ExecuteAsync("SELECT pg_reload_conf()");
    }

    NpgsqlConnection Superuser() =>
        new(servers.Shared.ConnectionString("postgres", Migrator.Embedded.EmbeddedCluster.Superuser));

    async Task<long> MultixactAsync()
    {
        await using var connection = Superuser();
        await connection.ExecuteAsync("CHECKPOINT", commandType: System.Data.CommandType.Text);
        return await connection.ExecuteScalarAsync<long>(
            "SELECT next_multixact_id::text::bigint FROM pg_control_checkpoint()"
        );
    }

    sealed class Measured
    {
        public Dictionary<(bool Flushed, int Writers), List<double>> Rates { get; } =
            new[] { true, false }
                .SelectMany(flushed => Writers.Select(writers => (flushed, writers)))
                .ToDictionary(load => load, _ => new List<double>());

        public List<double> Bulk { get; } = [];

        public long Multixacts { get; set; }
    }
}
