using Migrator.Embedded;
using Migrator.Tests.Support;

namespace Migrator.Tests.Concurrency;

/// <summary>The isolated database's server does not answer inside the pause: the tenant goes on in the shared one.</summary>
public sealed class SilentNetworkTests(Servers servers)
{
    const string Notes = """
        CREATE TABLE notes (id bigserial PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants,
            number serial, UNIQUE (tenant_id, number));
        INSERT INTO notes (tenant_id) VALUES (1), (2);
        """;

    static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);
    static readonly TimeSpan Stall = TimeSpan.FromSeconds(10);

    [Theory]
    [InlineData("setval(CAST(name")]
    [SoakData("AS t\nSET ")]
    public async Task The_guard_opens_when_the_pause_is_over_and_not_when_the_network_is_back(string from)
    {
        await using var origin = await TenantMove.CreateAsync(servers, Notes, servers.Dedicated);
        await using var proxy = new SwallowingProxy(EmbeddedCluster.Host, origin.Server.Port, from, Stall);
        var move = new TenantMove(origin.Shared, origin.Slug, origin.Server, origin.Tenancy)
        {
            TargetPort = proxy.Port,
        };

        var promotion = move.PromoteAsync(validate: false, maxPause: Pause);
        await Task.WhenAny(proxy.Silent, promotion);
        await AssertBoundedAsync(proxy, move.Shared);
        await promotion;
        Assert.Equal("isolated", await move.ModeAsync());
    }

    [Fact]
    public async Task A_rollback_opens_the_isolated_database_although_the_shared_one_does_not_answer()
    {
        await using var origin = await TenantMove.CreateAsync(servers, Notes, servers.Dedicated);
        await origin.PromoteAsync(validate: false);
        // What the shared database has to be told within the pause: where the tenant's numbers go on.
        await origin.Isolated.ExecuteAsync("INSERT INTO notes (tenant_id) VALUES (1)");
        await using var proxy = new SwallowingProxy(
            EmbeddedCluster.Host,
            origin.Shared.Cluster.Port,
            "setval(CAST(name",
            Stall
        );
        var move = new TenantMove(origin.Shared, origin.Slug, origin.Server, origin.Tenancy)
        {
            SourcePort = proxy.Port,
        };

        var rollback = move.RollBackAsync(maxPause: Pause);
        await Task.WhenAny(proxy.Silent, rollback);
        await AssertBoundedAsync(proxy, move.Isolated);
        await rollback;
        Assert.Equal("shared", await move.ModeAsync());
    }

    // By the server's own clock: a test on a busy machine looks late. A write of the tenant waits until the guard opens.
    static async Task AssertBoundedAsync(SwallowingProxy proxy, TestDatabase guarded)
    {
        Assert.True(proxy.Silent.IsCompleted);
        var closed = await guarded.ScalarAsync<DateTime>(
            """
            SELECT a.xact_start FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_stat_activity a USING (pid)
            WHERE l.mode = 'ExclusiveLock' AND l.granted AND c.relname LIKE '%\_gate'
            """
        );
        var opened = await guarded.ScalarAsync<DateTime>(
            "INSERT INTO notes (tenant_id) VALUES (1) RETURNING clock_timestamp()"
        );

        Assert.False(proxy.Over.IsCompleted);
        Assert.InRange(opened - closed, TimeSpan.Zero, Pause + TimeSpan.FromSeconds(1));
    }
}
