using Migrator.Embedded;
using Migrator.Model;
using Migrator.Tests.Crashes;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Guarding;

/// <summary>Whatever becomes of the run that has closed the guard, the tenant's writes go on without a person.</summary>
public sealed class HealingTests(Servers servers)
{
    const string Notes = """
        CREATE TABLE notes (id bigserial PRIMARY KEY, tenant_id bigint NOT NULL, number serial, UNIQUE (tenant_id, number));
        INSERT INTO notes (tenant_id) VALUES (1), (2);
        """;

    // What the run tells a server within the pause, first in the one direction, then in the other.
    const string WithinThePause = "setval(CAST(name";

    const string Closing = """
        FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_stat_activity a USING (pid)
        WHERE l.mode = 'ExclusiveLock' AND l.granted AND c.relname LIKE '%\_gate'
        """;

    static readonly TimeSpan AtOnce = TimeSpan.FromSeconds(2);
    static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    // Longer than a busy machine takes to look.
    static readonly TimeSpan Stall = TimeSpan.FromSeconds(15);

    [Theory]
    [InlineData(false)]
    [SoakData(true)]
    public async Task A_promotion_killed_within_its_pause_leaves_the_guard_open(bool refuse)
    {
        await using var origin = await TenantMove.CreateAsync(servers, Notes, servers.Dedicated);
        await using var proxy = Proxy(origin.Server, Stall);
        var move = At(origin, target: proxy.Port);
        await using var migrator = move.Start(
            "promote",
            "--max-pause",
            "5m",
            "--during-pause",
            refuse ? "refuse" : "wait"
        );
        await proxy.Silent;
        if (refuse)
            await RefusesAsync(move.Shared);

        migrator.Kill();

        await GoesOnAsync(move.Shared, AtOnce);
        Assert.False(proxy.Over.IsCompleted);
        Assert.Equal("open", await origin.GuardAsync());
        await move.PromoteAsync(validate: false);
        Assert.Equal(2, await origin.Isolated.ScalarAsync<long>("SELECT count(*) FROM notes"));
    }

    [Fact]
    public async Task A_rollback_killed_within_its_pause_leaves_the_isolated_database_open()
    {
        await using var origin = await TenantMove.CreateAsync(servers, Notes, servers.Dedicated);
        await origin.PromoteAsync(validate: false);
        await origin.Isolated.ExecuteAsync("INSERT INTO notes (tenant_id) VALUES (1)");
        await using var proxy = Proxy(origin.Shared.Cluster, Stall);
        var move = At(origin, source: proxy.Port);
        await using var migrator = move.Start("rollback", "--max-pause", "5m");
        await proxy.Silent;

        migrator.Kill();

        await GoesOnAsync(move.Isolated, AtOnce);
        Assert.False(proxy.Over.IsCompleted);
        await origin.RollBackAsync();
        Assert.Equal(3, await origin.Shared.ScalarAsync<long>("SELECT count(*) FROM notes WHERE tenant_id = 1"));
    }

    [Fact]
    public async Task A_run_that_stands_still_within_its_pause_has_the_guard_opened_by_the_server_and_cannot_flip()
    {
        await using var origin = await TenantMove.CreateAsync(servers, Notes, servers.Dedicated);
        await using var proxy = Proxy(origin.Server, Stall);
        var move = At(origin, target: proxy.Port);
        await using var migrator = move.Start("promote", "--max-pause", $"{Pause.TotalSeconds}s");
        await proxy.Silent;
        migrator.Freeze();

        await GoesOnAsync(move.Shared, Pause + TimeSpan.FromSeconds(1));

        Assert.False(proxy.Over.IsCompleted);
        migrator.Thaw();
        Assert.Equal(0, await migrator.ExitCodeAsync());
        Assert.Equal(2, await origin.Isolated.ScalarAsync<long>("SELECT count(*) FROM notes"));
    }

    [Fact]
    public async Task A_run_that_the_shared_server_hears_nothing_of_has_the_guard_opened_and_flips_later()
    {
        await using var origin = await TenantMove.CreateAsync(servers, Notes, servers.Dedicated);
        await using var proxy = new SwallowingProxy(
            EmbeddedCluster.Host,
            origin.Shared.Cluster.Port,
            "pg_notify",
            TimeSpan.FromSeconds(8)
        );
        var move = At(origin, source: proxy.Port);
        var promotion = move.PromoteAsync(validate: false, maxPause: Pause);
        await Task.WhenAny(proxy.Silent, promotion);

        await GoesOnAsync(move.Shared, Pause + TimeSpan.FromSeconds(1));

        Assert.False(proxy.Over.IsCompleted);
        await promotion;
        Assert.Equal(2, await origin.Isolated.ScalarAsync<long>("SELECT count(*) FROM notes"));
    }

    [Fact]
    public async Task A_session_that_is_ended_within_the_pause_costs_an_attempt_and_no_row()
    {
        await using var origin = await TenantMove.CreateAsync(servers, Notes, servers.Dedicated);
        await using var proxy = Proxy(origin.Server, TimeSpan.FromSeconds(5));
        var move = At(origin, target: proxy.Port);
        var promotion = move.PromoteAsync(validate: false);
        await Task.WhenAny(proxy.Silent, promotion);

        await move.Shared.ExecuteAsync($"SELECT pg_terminate_backend(pid) {Closing}", role: EmbeddedCluster.Superuser);

        await GoesOnAsync(move.Shared, AtOnce);
        await promotion;
        Assert.Equal(2, await origin.Isolated.ScalarAsync<long>("SELECT count(*) FROM notes"));
    }

    // A guard that is closed tells nothing of the time since this run closed it: somebody may have closed it again.
    [Theory]
    [InlineData(false, false)]
    [SoakData(true, false)]
    [InlineData(true, true)]
    public async Task A_fenced_copy_that_was_killed_goes_on_or_begins_anew_if_the_tenant_has_written(
        bool writes,
        bool isClosedAgain
    )
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes, servers.Dedicated);
        move.Mode = PromotionOptions.Fenced;
        await move.KillAsync("promote", Started.BuildSchema);
        Assert.Equal("closed", await move.GuardAsync());

        if (writes)
            await GoesOnAsync(move.Shared, AtOnce);
        if (isClosedAgain)
            await move.Shared.ExecuteAsync(
                "UPDATE tenant_promotion.guard SET state = 'closed'",
                role: EmbeddedCluster.Superuser
            );
        await move.PromoteAsync(validate: false);

        Assert.Equal(writes, move.Watched.Infos.Any(line => line.Contains("begins anew")));
        Assert.Equal(writes ? 2 : 1, await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM notes"));
    }

    [Fact]
    public async Task A_fenced_copy_whose_guard_was_opened_meanwhile_begins_anew_by_itself()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes, servers.Dedicated);
        move.Mode = PromotionOptions.Fenced;

        await move.PromoteMeddledAsync(
            PhaseName.Verify,
            async () =>
            {
                await move.Shared.ExecuteAsync(
                    """
                    SELECT pg_terminate_backend(pid) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
                    WHERE l.mode = 'ExclusiveLock' AND l.granted AND c.relname LIKE '%\_run'
                    """,
                    role: EmbeddedCluster.Superuser
                );
                await GoesOnAsync(move.Shared, AtOnce);
            }
        );

        Assert.Equal(2, await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM notes"));
    }

    [Fact]
    public async Task Writes_that_meet_a_pause_which_fails_wait_and_see_no_error()
    {
        await using var origin = await TenantMove.CreateAsync(servers, Notes, servers.Dedicated);
        await using var proxy = Proxy(origin.Server, TimeSpan.FromSeconds(6));
        var move = At(origin, target: proxy.Port);
        var promotion = move.PromoteAsync(validate: false, maxPause: Pause);
        await Task.WhenAny(proxy.Silent, promotion);

        var writes = Enumerable
            .Range(0, 8)
            .Select(_ => move.Shared.ExecuteAsync("INSERT INTO notes (tenant_id) VALUES (1)"))
            .ToArray();
        await Task.WhenAll(writes);

        await promotion;
        Assert.Equal(9, await origin.Isolated.ScalarAsync<long>("SELECT count(*) FROM notes"));
    }

    // By the server's own clock: a test on a busy machine looks late.
    static async Task GoesOnAsync(TestDatabase database, TimeSpan within)
    {
        var began = await database.ScalarAsync<DateTime>("SELECT clock_timestamp()");
        while (true)
            try
            {
                var written = await database.ScalarAsync<DateTime>(
                    "INSERT INTO notes (tenant_id) VALUES (1) RETURNING clock_timestamp()"
                );
                Assert.InRange(written - began, TimeSpan.Zero, within);
                return;
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.ReadOnlySqlTransaction)
            {
                await Task.Delay(10);
            }
    }

    static async Task RefusesAsync(TestDatabase database)
    {
        var refused = await Assert.ThrowsAsync<PostgresException>(() =>
            database.ExecuteAsync("INSERT INTO notes (tenant_id) VALUES (1)")
        );
        Assert.Equal(PostgresErrorCodes.ReadOnlySqlTransaction, refused.SqlState);
    }

    static SwallowingProxy Proxy(EmbeddedCluster server, TimeSpan length) =>
        new(EmbeddedCluster.Host, server.Port, WithinThePause, length);

    static TenantMove At(TenantMove origin, int? source = null, int? target = null) =>
        new(origin.Shared, origin.Slug, origin.Server, origin.Tenancy) { SourcePort = source, TargetPort = target };
}
