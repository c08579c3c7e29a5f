using Migrator.Model;
using Migrator.Streaming;
using Spectre.Console;

namespace Bench;

/// <summary>
/// A tenant that PostgreSQL's own logical replication moves by row filters, and that the migrator moves: the load, and
/// then the same changes, which wait in a slot of each. Both databases have all their indexes when these are applied.
/// </summary>
sealed class NativeScenario(BenchmarkServers servers, Summary summary)
{
    public async Task RunAsync()
    {
        var database = await servers.NativeAsync();
        var native = new NativeReplication(servers, database);
        await native.PublishAsync();
        await LoadAsync(database, native);
        await native.StopAsync();
        using var move = new Move(servers, database);
        await move.PromoteUntilAsync(PhaseName.Verify);

        var changes = new RowChanges(servers, database);
        var own = (Ours: double.MaxValue, Native: double.MaxValue);
        // The best counts: the first round compiles our program as well.
        for (var round = 0; round < servers.Rounds; round++)
        {
            await changes.OfTheTenantAsync(servers.Changes);
            var took = await FollowAsync(move, native, servers.Changes);
            own = (Math.Min(own.Ours, took.Ours), Math.Min(own.Native, took.Native));
        }
        var (ours, strangers) = await changes.AmongStrangersAsync(servers.Changes);
        var among = await FollowAsync(move, native, ours);
        // Verification among the rest: it has to be right as well.
        await move.PromoteUntilAsync(PhaseName.CutOver);
        await move.RollBackAsync(dropIsolated: true);
        await native.DropAsync();
        Show(own, among, ours, strangers);
    }

    async Task LoadAsync(string database, NativeReplication native)
    {
        var baselines = new CopyBaselines(servers.Shared, servers.Dedicated);
        List<double> loads = [],
            whole = [],
            indexesFirst = [],
            indexesLast = [];
        // The best counts.
        for (var round = 0; round < servers.Rounds; round++)
        {
            var times = await baselines.PromoteAsync(database);
            loads.Add(times.Load);
            whole.Add(times.Seconds);
            indexesFirst.Add(await native.LoadAsync(indexesLast: false));
            indexesLast.Add(await native.LoadAsync(indexesLast: true));
        }
        var table = new Table().AddColumns($"{servers.Rows:N0} rows", "seconds", "ratio of ours").RoundedBorder();
        table.AddRow("migrator: the load", $"{loads.Min():0.00}", "");
        table.AddRow("migrator: the whole promotion, every row compared twice", $"{whole.Min():0.00}", "");
        void Add(string how, List<double> seconds)
        {
            table.AddRow(
                $"subscription, {how}, ANALYZE",
                $"{seconds.Min():0.00}",
                $"{loads.Min() / seconds.Min():0.00}, whole {whole.Min() / seconds.Min():0.00}"
            );
            summary.Add($"load against a subscription, {how}", loads.Min() / seconds.Min(), Wanted.AtMost(0.5));
        }
        Add("indexes first", indexesFirst);
        Add("indexes last", indexesLast);
        AnsiConsole.Write(table);
    }

    // One after the other: either has the machine to itself.
    static async Task<(double Ours, double Native)> FollowAsync(Move move, NativeReplication native, long count)
    {
        await native.MarkAsync();
        var (seconds, changes) = await move.FollowAsync(TargetState.Consistent);
        // And the mark.
        if (changes != count + 1)
            throw new InvalidOperationException(
                $"The stream had {changes} changes, and the tenant's were {count + 1}."
            );
        var theirs = await native.FollowAsync();
        if ((await native.CountAsync(), await native.CountSharedAsync()) is var (copied, there) && copied != there)
            throw new InvalidOperationException($"The subscription has {copied} rows of {there}.");
        return (seconds, theirs);
    }

    void Show((double Ours, double Native) own, (double Ours, double Native) among, int ours, int strangers)
    {
        var count = servers.Changes;
        var table = new Table().AddColumns("", "migrator, seconds", "subscription", "ratio of ours").RoundedBorder();
        void Add(string what, (double Ours, double Native) seconds) =>
            table.AddRow(
                what,
                $"{seconds.Ours:0.00}",
                $"{seconds.Native:0.00}",
                $"{seconds.Ours / seconds.Native:0.00}"
            );
        Add($"{count:N0} changes of the tenant", own);
        Add($"{strangers:N0} of other tenants, and {ours:N0} of the tenant", among);
        AnsiConsole.Write(table);
        summary.Add("apply rate against a subscription's", own.Native / own.Ours, Wanted.AtLeast(2), " ×");
        summary.Add("changes applied, all indexes there", count / own.Ours, Wanted.AtLeast(40_000), "/s");
        double Stranger(double mixed, double alone) => (mixed - ours * alone / count) / strangers / (alone / count);
        summary.Add(
            "a change of another tenant against one of the tenant's",
            Stranger(among.Ours, own.Ours),
            Wanted.AtMost(0.1)
        );
        summary.Add("the same of a subscription", Stranger(among.Native, own.Native), null);
        summary.Add("99 % of other tenants, against a subscription", among.Ours / among.Native, null);
    }
}
