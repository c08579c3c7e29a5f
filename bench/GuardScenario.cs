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
        foreach (var writers in Writers)
        {
            var (before, after) = (without.Rates[writers].Max(), with.Rates[writers].Max());
            table.AddRow(
                $"{writers} writers, transactions/s",
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
        foreach (var writers in Writers)
            measured.Rates[writers].Add(await GuardedWrites.RateAsync(source, writers));
        measured.Bulk.Add(await GuardedWrites.BulkAsync(source));
        measured.Multixacts += await MultixactAsync() - before;
    }

    async Task<long> MultixactAsync()
    {
        await using var connection = new NpgsqlConnection(
            servers.Shared.ConnectionString("postgres", Migrator.Embedded.EmbeddedCluster.Superuser)
        );
        await connection.ExecuteAsync("CHECKPOINT", commandType: System.Data.CommandType.Text);
        return await connection.ExecuteScalarAsync<long>(
            "SELECT next_multixact_id::text::bigint FROM pg_control_checkpoint()"
        );
    }

    sealed class Measured
    {
        public Dictionary<int, List<double>> Rates { get; } =
            Writers.ToDictionary(writers => writers, _ => new List<double>());

        public List<double> Bulk { get; } = [];

        public long Multixacts { get; set; }
    }
}
