using System.Diagnostics;
using Migrator.Demo;
using Migrator.Model;
using Migrator.Runs;
using Migrator.Streaming;
using Spectre.Console;

namespace Bench;

/// <summary>
/// How far the isolated database is behind while the tenant writes: how long a mark takes from the shared database
/// through the stream.
/// </summary>
sealed class LagScenario(BenchmarkServers servers, Summary summary)
{
    static readonly TimeSpan Time = TimeSpan.FromSeconds(10);
    static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    readonly ApplicationLoad load = new(Writers: 8, Rate: 500, OtherTenants: 0);

    public async Task RunAsync()
    {
        var database = await servers.ModerateAsync("lag");
        using var move = new Move(servers, database);
        // All constraints and triggers are in place: as it is just before the cutover.
        await move.PromoteUntilAsync(PhaseName.Verify);
        var (ledger, application) = await servers.StartAsync(database, load);
        await using (application)
        {
            var began = ledger.Clock.GetTimestamp();
            await Task.Delay(Time / 2);
            var alone = (began, ledger.Clock.GetTimestamp());
            var (marks, changes, followed) = await move.WithRunAsync(run => FollowAsync(run, ledger));
            await application.StopAsync();
            Show(ledger, alone, marks, changes, followed);
        }
        await move.RollBackAsync(dropIsolated: true);
    }

    static async Task<(IReadOnlyList<double> Marks, long Changes, (long Began, long Ended) Span)> FollowAsync(
        PromotionRun run,
        Ledger ledger
    )
    {
        var direction = StreamDirection.Forward(run.Stream);
        await using var source = await run.Databases.Shared.OpenConnectionAsync();
        await using var feed = await ChangeFeed.OpenAsync(direction, TargetState.Consistent, CancellationToken.None);
        var near = TimeSpan.FromMilliseconds(100);
        await new CatchUpLoop(direction).WithinAsync(feed, near, CancellationToken.None);
        var (marks, before, began, watch) = (
            new List<double>(),
            feed.Changes,
            ledger.Clock.GetTimestamp(),
            Stopwatch.StartNew()
        );
        while (watch.Elapsed < Time)
        {
            var mark = Stopwatch.StartNew();
            await feed.PassWatermarkAsync(source, CancellationToken.None);
            marks.Add(mark.Elapsed.TotalMilliseconds);
            await Task.Delay(Interval);
        }
        return (marks, feed.Changes - before, (began, ledger.Clock.GetTimestamp()));
    }

    void Show(
        Ledger ledger,
        (long Began, long Ended) alone,
        IReadOnlyList<double> marks,
        long changes,
        (long Began, long Ended) followed
    )
    {
        var table = new Table()
            .AddColumns($"milliseconds, with {load.Rate} writes/s asked for", "a second", "p50", "p95", "longest")
            .RoundedBorder();
        double Seconds((long Began, long Ended) span) =>
            ledger.Clock.GetElapsedTime(span.Began, span.Ended).TotalSeconds;
        AddWrites(table, ledger, "a write of the tenant, nobody follows", alone);
        AddWrites(table, ledger, "a write of the tenant, followed", followed);
        var lag = Percentiles.Of(marks);
        table.AddRow(
            $"a mark, written and come through ({changes / Seconds(followed):N0} row changes/s with it)",
            $"{marks.Count / Seconds(followed):N0}",
            $"{lag.Median:0.0}",
            $"{lag.P95:0.0}",
            $"{lag.Max:0.0}"
        );
        AnsiConsole.Write(table);
        summary.Add("a mark has come through, median", lag.Median, null, " ms");
        summary.Add("a mark has come through, p95", lag.P95, null, " ms");
    }

    static void AddWrites(Table table, Ledger ledger, string what, (long Began, long Ended) span)
    {
        var seconds = ledger.Clock.GetElapsedTime(span.Began, span.Ended).TotalSeconds;
        var (median, high, longest) = ledger.Latency(ofMoving: true, span.Began, span.Ended)!.Value;
        table.AddRow(
            what,
            $"{ledger.Writes(ofMoving: true, span.Began, span.Ended) / seconds:N0}",
            $"{median:0.0}",
            $"{high:0.0}",
            $"{longest:0.0}"
        );
    }
}
