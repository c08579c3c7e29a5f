using Migrator.Model;
using Spectre.Console;

namespace Bench;

/// <summary>
/// A promotion against the ways people copy a tenant today, on the same rows, in one run: ratios hold where seconds do
/// not.
/// </summary>
sealed class LoadScenario(BenchmarkServers servers)
{
    public async Task RunAsync()
    {
        var baselines = new CopyBaselines(servers.Shared, servers.Dedicated);
        var (smallDatabase, largeDatabase) = (await servers.SmallAsync(), await servers.LargeAsync());

        // In turns, so that whatever else the machine does meets all of them; the median counts.
        const int rounds = 3;
        var (smalls, pipes, larges, clones) = (
            new List<PromotionTimes>(),
            new List<double>(),
            new List<PromotionTimes>(),
            new List<double>()
        );
        for (var round = 0; round < rounds; round++)
        {
            smalls.Add(await baselines.PromoteAsync(smallDatabase));
            pipes.Add(await baselines.PipeAsync(largeDatabase));
            larges.Add(await baselines.PromoteAsync(largeDatabase));
            if (await baselines.PgcopydbAsync() is { } seconds)
                clones.Add(seconds);
        }
        var single = await baselines.RowByRowAsync(largeDatabase, 10_000);
        var pipe = pipes.Order().ElementAt(rounds / 2);
        var small = smalls.OrderBy(times => times.Seconds).ElementAt(rounds / 2);
        var large = larges.OrderBy(times => times.Seconds).ElementAt(rounds / 2);
        double? pgcopydb = clones.Count > 0 ? clones.Order().ElementAt(clones.Count / 2) : null;

        // Online keys come with the first changes, and triggers in a phase of their own.
        var load = large.Of(
            PhaseName.Provision,
            PhaseName.CloneSchema,
            PhaseName.CopyData,
            PhaseName.CatchUp,
            PhaseName.BuildSchema,
            PhaseName.CloneTriggersAndPolicies
        );
        var table = new Table().AddColumns("what", "seconds", "rows/s", "ratio to the pipe").RoundedBorder();
        void Add(string what, double seconds, long count) =>
            table.AddRow(what, $"{seconds:0.00}", $"{count / seconds:N0}", $"{seconds / pipe:0.00}");
        Add("psql pipe: pre-data, binary COPY table by table, post-data, ANALYZE", pipe, large.Rows);
        Add("migrator: provision, schema, copy, keys and indexes, ANALYZE", load, large.Rows);
        Add("  and the digests of both sides", load + large.Of(PhaseName.Verify), large.Rows);
        Add("  the whole promotion", large.Seconds, large.Rows);
        if (pgcopydb is { } clone)
            Add("pgcopydb clone of a database with this tenant alone", clone, large.Rows);
        else
            table.AddRow("pgcopydb", "not installed (apt-get install pgcopydb)", "", "");
        Add($"one INSERT a row ({single.Rows:N0} rows tried)", single.Seconds * large.Rows / single.Rows, large.Rows);
        AnsiConsole.Write(table);

        var phases = new Table().AddColumns("phase", "seconds").RoundedBorder();
        foreach (var (name, seconds) in large.Phases)
            phases.AddRow(name, $"{seconds:0.00}");
        AnsiConsole.Write(phases);

        var targets = new Table().AddColumns("target", "wanted", "measured").RoundedBorder();
        targets.AddRow("load against the psql pipe", "≤ 0.85", $"{load / pipe:0.00}");
        targets.AddRow("load against pgcopydb", "< 1", pgcopydb is { } other ? $"{load / other:0.00}" : "–");
        targets.AddRow("digests on top of the load", "≤ 35 %", $"{100 * large.Of(PhaseName.Verify) / load:0} %");
        targets.AddRow(
            "rate against one INSERT a row",
            "≥ 100",
            $"{large.Rows / load / (single.Rows / single.Seconds):0}"
        );
        targets.AddRow(
            "peak memory of the migrator",
            "< 150 MB",
            $"{large.PeakMegabytes:0} MB ({small.PeakMegabytes:0} MB with a tenth of the rows)"
        );
        targets.AddRow("ten times the rows", "≤ 11 × the time", $"{large.Seconds / small.Seconds:0.0} ×");
        AnsiConsole.Write(targets);
    }
}
