using Migrator.Demo;
using Migrator.Model;
using Spectre.Console;

namespace Bench;

/// <summary>What the other tenants notice while a large one is copied, indexed and compared.</summary>
sealed class NeighboursScenario(BenchmarkServers servers, Summary summary)
{
    static readonly TimeSpan Quiet = TimeSpan.FromSeconds(5);

    static readonly string[] Columns =
    [
        "a write of another tenant, milliseconds",
        "seconds",
        "writes/s",
        "p50",
        "p95",
        "longest",
        "p95 to before",
    ];

    readonly ApplicationLoad load = new(Writers: 2, Rate: 50, OtherTenants: 8, OtherRate: 300);

    public async Task RunAsync()
    {
        var database = await servers.LargeAsync();
        using var move = new Move(servers, database);
        var (ledger, application) = await servers.StartAsync(database, load);
        RecordingProgress observed;
        (long Began, long Ended) before,
            after;
        await using (application)
        {
            before = await QuietAsync(ledger);
            observed = await move.PromoteUntilAsync(PhaseName.CutOver);
            after = await QuietAsync(ledger);
            await application.StopAsync();
        }
        await move.RollBackAsync(dropIsolated: true);

        var usual = ledger.Latency(ofMoving: false, before.Began, before.Ended)!.Value.P95;
        var table = new Table().AddColumns(Columns).RoundedBorder();
        Add(table, ledger, usual, "before", before);
        Add(table, ledger, usual, "during the copy", observed[PhaseName.CopyData]);
        Add(table, ledger, usual, "while keys and indexes are built", observed[PhaseName.BuildSchema]);
        Add(table, ledger, usual, "while every row is compared", observed[PhaseName.Verify]);
        Add(table, ledger, usual, "after", after);
        AnsiConsole.Write(table);
    }

    void Add(Table table, Ledger ledger, double usual, string what, (long Began, long Ended) span)
    {
        var seconds = ledger.Clock.GetElapsedTime(span.Began, span.Ended).TotalSeconds;
        var latency = ledger.Latency(ofMoving: false, span.Began, span.Ended);
        summary.Add($"p95 of others' writes {what}, to before", latency?.P95 / usual, null);
        if (latency is not { } times)
            table.AddRow(what, $"{seconds:0.0}", "0");
        else
            table.AddRow(
                what,
                $"{seconds:0.0}",
                $"{ledger.Writes(ofMoving: false, span.Began, span.Ended) / seconds:N0}",
                $"{times.Median:0.0}",
                $"{times.P95:0.0}",
                $"{times.Longest:0.0}",
                $"{times.P95 / usual:0.00}"
            );
    }

    static async Task<(long Began, long Ended)> QuietAsync(Ledger ledger)
    {
        var began = ledger.Clock.GetTimestamp();
        await Task.Delay(Quiet);
        return (began, ledger.Clock.GetTimestamp());
    }
}
