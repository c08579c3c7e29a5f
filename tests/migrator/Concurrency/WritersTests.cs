using Migrator.Tests.Crashes;
using Migrator.Tests.Support;

namespace Migrator.Tests.Concurrency;

/// <summary>
/// Applications write without a pause while their tenant moves there and back. What was acknowledged must stand in the
/// database that owns the tenant, once; the other tenants' applications must not notice.
/// </summary>
public sealed class WritersTests(Servers servers)
{
    const string Bolt = "bbbbbbbb-0000-4000-8000-00000000000b";

    [Fact]
    public async Task No_acknowledged_write_is_lost_or_doubled_on_the_way_there_and_back()
    {
        await using var shop = await CrashFixture.CreateAsync(servers.Shared, servers.Dedicated);
        var random = Seed.Random();
        using var stop = new CancellationTokenSource();
        TaskWriter[] Writers(int count, string tenant, string name) =>
            [.. Enumerable.Range(0, count).Select(n => new TaskWriter(shop, tenant, $"{name}{n}", random.Next()))];
        var (movers, others) = (Writers(3, CrashFixture.Acme, "a"), Writers(2, Bolt, "b"));
        var running = movers.Concat(others).Select(writer => Task.Run(() => writer.RunAsync(stop.Token))).ToArray();

        await ProgressAsync(movers);
        await shop.Move.PromoteAsync();
        await ProgressAsync(movers);
        Assert.All(movers, writer => Assert.True(writer.InIsolated));
        await shop.Move.RollBackAsync();
        await ProgressAsync(movers);
        Assert.All(movers, writer => Assert.False(writer.InIsolated));
        await shop.Move.PromoteAsync(validate: false);
        await ProgressAsync(movers);
        await stop.CancelAsync();
        await Task.WhenAll(running);

        await LedgersMustHoldAsync(shop.Isolated, CrashFixture.Acme, movers);
        await LedgersMustHoldAsync(shop.Shared, Bolt, others);
        // The guard turned writers away: it was tried, and the others felt nothing of it.
        Assert.True(movers.Sum(writer => writer.TurnedAway) > 0);
        Assert.Empty(others.SelectMany(writer => writer.Errors));
        Assert.Empty(movers.SelectMany(writer => writer.Errors));
    }

    static async Task LedgersMustHoldAsync(TestDatabase database, string tenant, TaskWriter[] writers)
    {
        var titles = await database.QueryAsync<string>(
            $"""
            SELECT title FROM tasks
            WHERE tenant_id = '{tenant}' AND title NOT LIKE 'Task %' ORDER BY title COLLATE "C"
            """
        );
        Assert.Equal(writers.SelectMany(writer => writer.Ledger.Values).Order(StringComparer.Ordinal), titles);
        // The application's trigger has recorded each write once, on whichever side it was.
        Assert.Equal(
            writers.Sum(writer => writer.Acknowledged),
            await database.ScalarAsync<int>(
                $"SELECT count(*) FROM history WHERE tenant_id = '{tenant}' AND what LIKE '% tasks'"
            )
        );
    }

    static async Task ProgressAsync(TaskWriter[] writers)
    {
        var before = writers.Select(writer => writer.Acknowledged).ToArray();
        await Waiting.UntilAsync(
            () => writers.Zip(before).All(pair => pair.First.Acknowledged >= pair.Second + 20),
            () => "The writers stand still: " + string.Join("; ", writers.SelectMany(writer => writer.Errors))
        );
    }
}
