using Dapper;
using Migrator.Demo;
using Migrator.Model;
using Npgsql;
using Spectre.Console;

namespace Bench;

/// <summary>What the tenant's writes cost while its guard is open: transactions of one row, and one statement of many.</summary>
sealed class GuardScenario(BenchmarkServers servers)
{
    const int Rounds = 3;

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
        var (without, with) = (new Measured(), new Measured());
        // By turns, because the machine's own speed drifts.
        for (var round = 0; round < Rounds; round++)
        {
            await MeasureAsync(source, without);
            await move.PromoteUntilAsync(PhaseName.StartStreaming);
            await MeasureAsync(source, with);
            await move.RollBackAsync(dropIsolated: true);
        }

        Show(without, with);
    }

    static void Show(Measured without, Measured with)
    {
        var table = new Table()
            .AddColumns("writes of the tenant", "without", "guard open", "ratio", "wanted")
            .RoundedBorder();
        foreach (var load in without.Rates.Keys)
        {
            var (before, after) = (without.Rates[load].Max(), with.Rates[load].Max());
            table.AddRow(
                $"{load.Writers} writers, transactions/s, {(load.Flushed ? "fsync" : "no fsync")}",
                $"{before:N0}",
                $"{after:N0}",
                $"{after / before:0.00}",
                "≥ 0.95"
            );
        }
        var (least, most) = (without.Bulk.Min(), with.Bulk.Min());
        table.AddRow(
            $"{GuardedWrites.ManyRows:N0} rows in a statement, ms",
            $"{least:N0}",
            $"{most:N0}",
            $"{most / least:0.00}",
            "≤ 1.3"
        );
        table.AddRow("multixacts made", $"{without.Multixacts}", $"{with.Multixacts}", "", "no more");
        AnsiConsole.Write(table);
    }

    async Task MeasureAsync(NpgsqlDataSource source, Measured measured)
    {
        var before = await MultixactAsync();
        foreach (var flushed in (bool[])[true, false])
        {
            await SetFlushedAsync(flushed);
            foreach (var writers in Writers)
                measured.Rates[(flushed, writers)].Add(await GuardedWrites.RateAsync(source, writers));
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
