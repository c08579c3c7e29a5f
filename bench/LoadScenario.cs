using Migrator.Model;
using Spectre.Console;

namespace Bench;

/// <summary>
/// A promotion against the ways people copy a tenant today, on the same rows, in one run: ratios hold where seconds do
/// not.
/// </summary>
sealed class LoadScenario(BenchmarkServers servers, Summary summary)
{
    const int Rounds = 3;

    public async Task RunAsync()
    {
        var measured = await MeasureAsync();
        ShowWays(measured);
        var phases = new Table().AddColumns("phase", "seconds").RoundedBorder();
        foreach (var (name, seconds) in measured.Large.Phases)
            phases.AddRow(name, $"{seconds:0.00}");
        AnsiConsole.Write(phases);
        AddTargets(measured);
    }

    async Task<Measured> MeasureAsync()
    {
        var baselines = new CopyBaselines(servers.Shared, servers.Dedicated);
        var (smallDatabase, largeDatabase) = (await servers.SmallAsync(), await servers.LargeAsync());

        // In turns, so that whatever else the machine does meets all of them; the median counts.
        var (smalls, pipes, larges, clones) = (
            new List<PromotionTimes>(),
            new List<double>(),
            new List<PromotionTimes>(),
            new List<double>()
        );
        for (var round = 0; round < Rounds; round++)
        {
            smalls.Add(await baselines.PromoteAsync(smallDatabase));
            pipes.Add(await baselines.PipeAsync(largeDatabase));
            larges.Add(await baselines.PromoteAsync(largeDatabase));
            if (await baselines.PgcopydbAsync() is { } seconds)
                clones.Add(seconds);
        }
        return new(
            smalls.OrderBy(times => times.Seconds).ElementAt(Rounds / 2),
            larges.OrderBy(times => times.Seconds).ElementAt(Rounds / 2),
            pipes.Order().ElementAt(Rounds / 2),
            clones.Count > 0 ? clones.Order().ElementAt(clones.Count / 2) : null,
            await baselines.RowByRowAsync(largeDatabase, 10_000)
        );
    }

    static void ShowWays(Measured measured)
    {
        var (large, single) = (measured.Large, measured.Single);
        var table = new Table().AddColumns("what", "seconds", "rows/s", "ratio to the pipe").RoundedBorder();
        void Add(string what, double seconds) =>
            table.AddRow(what, $"{seconds:0.00}", $"{large.Rows / seconds:N0}", $"{seconds / measured.Pipe:0.00}");
        Add("psql pipe: pre-data, binary COPY table by table, post-data, ANALYZE", measured.Pipe);
        Add("migrator: provision, schema, copy, keys and indexes, ANALYZE", large.Load);
        Add("  and the digests of both sides", large.Load + large.Of(PhaseName.Verify));
        Add("  the whole promotion", large.Seconds);
        if (measured.Pgcopydb is { } clone)
            Add("pgcopydb clone of a database with this tenant alone", clone);
        else
            table.AddRow("pgcopydb", "not installed (apt-get install pgcopydb)", "", "");
        Add($"one INSERT a row ({single.Rows:N0} rows tried)", single.Seconds * large.Rows / single.Rows);
        AnsiConsole.Write(table);
    }

    void AddTargets(Measured measured)
    {
        var (small, large) = (measured.Small, measured.Large);
        var load = large.Load;
        summary.Add("load against the psql pipe", load / measured.Pipe, Wanted.AtMost(0.85));
        summary.Add("the whole promotion against the psql pipe", large.Seconds / measured.Pipe, Wanted.AtMost(1));
        summary.Add("load against pgcopydb", load / measured.Pgcopydb, Wanted.AtMost(1));
        summary.Add("digests on top of the load", 100 * large.Of(PhaseName.Verify) / load, Wanted.AtMost(35), " %");
        summary.Add(
            "rate against one INSERT a row",
            large.Rows / load / (measured.Single.Rows / measured.Single.Seconds),
            Wanted.AtLeast(100),
            " ×"
        );
        summary.Add("peak memory of the migrator", large.PeakMegabytes, Wanted.AtMost(150), " MB");
        summary.Add("the same with a tenth of the rows", small.PeakMegabytes, Wanted.AtMost(150), " MB");
        summary.Add("time for ten times the rows", large.Seconds / small.Seconds, Wanted.AtMost(11), " ×");
    }

    /// <param name="Pipe">Seconds of the psql pipe.</param>
    /// <param name="Pgcopydb">Seconds of pgcopydb; null when it is not installed.</param>
    /// <param name="Single">A try of one INSERT a row.</param>
    sealed record Measured(
        PromotionTimes Small,
        PromotionTimes Large,
        double Pipe,
        double? Pgcopydb,
        (double Seconds, long Rows) Single
    );
}
