using Migrator.Embedded;
using Migrator.Model;
using Migrator.Tests.Crashes;
using Migrator.Tests.Support;

namespace Migrator.Tests.Concurrency;

/// <summary>
/// A run that stands still, as on a virtual machine that is being moved, loses its lock, and another run takes over.
/// When it wakes it must not be able to change anything.
/// </summary>
public sealed class OvertakenRunTests(Servers servers)
{
    public static IEnumerable<TheoryDataRow<string>> OnTheWayThere =>
        Soak.Sweep([Started.CloneSchema, Started.CopyData, Started.CutOver], [Started.CopyData, Started.CutOver]);

    [Theory]
    [MemberData(nameof(OnTheWayThere))]
    public async Task A_promotion_that_was_overtaken_changes_nothing_when_it_wakes(string moment)
    {
        await using var shop = await CrashFixture.CreateAsync(servers.Shared, servers.Dedicated, tasks: 5_000);
        await using var stalled = await StalledAsync(
            shop,
            "promote",
            moment,
            () => shop.Move.RollBackAsync(dropIsolated: true)
        );
        await shop.Move.PromoteAsync(validate: false);
        await shop.WriteIsolatedAsync();
        var before = await StateOfBothAsync(shop);

        stalled.Thaw();

        Assert.Contains(await stalled.ExitCodeAsync(), Stopped);
        Assert.Equal(before, await StateOfBothAsync(shop));
        Assert.Equal("moved", await shop.GuardAsync());
        Assert.Equal("isolated", await shop.ModeAsync());
    }

    public static IEnumerable<TheoryDataRow<string>> OnTheWayHome =>
        Soak.Sweep([Started.ReconcileShared, Ended.ReconcileShared], [Started.ReconcileShared]);

    [Theory]
    [MemberData(nameof(OnTheWayHome))]
    public async Task A_rollback_that_was_overtaken_changes_nothing_when_it_wakes(string moment)
    {
        await using var shop = await CrashFixture.CreateAsync(servers.Shared, servers.Dedicated);
        await shop.Move.PromoteAsync(validate: false);
        await shop.WriteIsolatedAsync();
        await using var stalled = await StalledAsync(
            shop,
            "rollback",
            moment,
            () => shop.Move.PromoteAsync(validate: false)
        );
        await shop.Move.RollBackAsync();
        await shop.WriteAsync();
        var before = await StateOfBothAsync(shop);

        stalled.Thaw();

        Assert.Contains(await stalled.ExitCodeAsync(), Stopped);
        Assert.Equal(before, await StateOfBothAsync(shop));
        await shop.WriteAsync();
    }

    [Fact]
    public async Task A_rollback_that_was_overtaken_by_a_promotion_leaves_the_guard_alone_when_it_wakes()
    {
        await using var shop = await CrashFixture.CreateAsync(servers.Shared, servers.Dedicated);
        await shop.Move.PromoteAsync(stopBefore: PhaseName.CopyData);
        await using var stalled = await StalledAsync(
            shop,
            "rollback",
            Started.InstallGuard,
            () => shop.Move.PromoteAsync(stopBefore: PhaseName.CopyData)
        );
        await shop.Move.PromoteAsync(validate: false);
        var triggers = await TriggersAsync(shop);

        stalled.Thaw();

        Assert.Contains(await stalled.ExitCodeAsync(), Stopped);
        Assert.Equal(triggers, await TriggersAsync(shop));
        Assert.Equal("moved", await shop.GuardAsync());
        await shop.MustBeIsolatedAsync();
    }

    static readonly int[] Stopped = [1, 3, 5];

    /// <param name="again">
    /// Undoes what a run has done that stood still too late: that one had nothing left to do.
    /// </param>
    static async Task<MigratorProcess> StalledAsync(CrashFixture shop, string verb, string moment, Func<Task> again)
    {
        var migrator = shop.Start(verb);
        await migrator.MustReachAsync(moment);
        migrator.Freeze();
        while (verb == "promote" ? await shop.ModeAsync() == "isolated" : await shop.Move.HasEndedAsync(verb))
        {
            migrator.Thaw();
            await migrator.ExitCodeAsync();
            await migrator.DisposeAsync();
            await again();
            migrator = shop.Start(verb);
            await migrator.MustReachAsync(moment);
            migrator.Freeze();
        }
        // Whoever holds the tenant's lock is cut off, as by a server that has given the connection up.
        await shop.Shared.ExecuteAsync(
            """
            SELECT pg_terminate_backend(pid) FROM pg_locks
            WHERE locktype = 'advisory' AND classid = 1952804978 AND objsubid = 2
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            """,
            role: EmbeddedCluster.Superuser
        );
        return migrator;
    }

    static Task<IReadOnlyList<string>> TriggersAsync(CrashFixture shop) =>
        shop.Shared.QueryAsync<string>(
            "SELECT tgrelid::regclass || ' ' || tgname FROM pg_trigger WHERE tgname ~ 'tenant_promotion' ORDER BY 1"
        );

    // All rows and sequences of both databases.
    static async Task<IReadOnlyList<string>> StateOfBothAsync(CrashFixture shop)
    {
        var state = new List<string>();
        foreach (var database in new[] { shop.Shared, shop.Isolated })
        {
            foreach (var table in CrashFixture.Tables)
                state.AddRange(
                    await database.QueryAsync<string>(
                        $"SELECT '{database.Name} {table.Table} ' || t::text FROM {table.Table} t ORDER BY 1",
                        role: EmbeddedCluster.Superuser
                    )
                );
            state.AddRange(
                await database.QueryAsync<string>(
                    "SELECT sequencename || ' ' || last_value FROM pg_sequences WHERE schemaname = 'public' ORDER BY 1"
                )
            );
        }
        return state;
    }
}
