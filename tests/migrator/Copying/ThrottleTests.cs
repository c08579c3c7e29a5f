using Dapper;
using Migrator.Demo;
using Migrator.Embedded;
using Migrator.Governing;
using Migrator.Journal;
using Migrator.Model;
using Migrator.Tests.Support;
using Npgsql.Replication;

namespace Migrator.Tests.Copying;

/// <summary>The copy keeps to the rate that it was given, and waits for a server that has enough to do.</summary>
public sealed class ThrottleTests(ThrottleTests.QuietServer quiet) : IClassFixture<ThrottleTests.QuietServer>
{
    const string Notes = """
        CREATE TABLE tenants (
            id bigint PRIMARY KEY, slug text, isolation_mode text DEFAULT 'shared', settings jsonb DEFAULT '{}');
        INSERT INTO tenants (id, slug) VALUES (1, @slug);
        CREATE TABLE notes (id bigserial PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, body text);
        INSERT INTO notes (tenant_id, body) SELECT 1, repeat('x', 300) FROM generate_series(1, 10000) n;
        CREATE TABLE more (LIKE notes INCLUDING ALL);
        INSERT INTO more SELECT * FROM notes;
        ANALYZE notes, more;
        """;

    static PromotionOptions Options =>
        new(PromotionOptions.Fenced, Jobs: 2, TimeSpan.FromSeconds(30), Validate: false, []);

    [Fact]
    public async Task A_rate_is_kept_row_by_row_and_a_pause_is_not_made_up_for()
    {
        const int rate = 4_000_000;
        var clock = new SleepingClock();
        var limit = new RateLimit(rate, clock);
        async Task PassAsync(int bytes)
        {
            for (var sent = 0; sent < bytes; sent += 200)
                await limit.PassAsync(200, default);
        }

        await PassAsync(2 * rate);
        Assert.InRange(clock.Now.TotalSeconds, 1.95, 2.05);

        clock.Now += TimeSpan.FromMinutes(1);
        var resumed = clock.Now;
        await PassAsync(rate);
        Assert.InRange((clock.Now - resumed).TotalSeconds, 0.85, 1.05);
    }

    [Fact]
    public async Task The_copy_keeps_to_its_rate()
    {
        await using var move = await quiet.MoveAsync(Notes);
        var shared = move.Shared;
        const long rate = 1_200_000;

        await move.PromoteAsync(Options with { MaxRate = rate });

        var facts = await shared.ScalarAsync<string>(
            $"SELECT facts FROM tenant_promotion.phase WHERE name = '{PhaseName.CopyData}'"
        );
        var copied = System.Text.Json.JsonSerializer.Deserialize<CopyFacts>(facts)!;
        Assert.True(copied.Bytes > 6_000_000);
        // That the limit does not slow the copy down more than that is for the test above, whose clock no machine delays.
        Assert.True(copied.Bytes / copied.Seconds < rate * 1.2);
    }

    [Fact]
    public async Task The_copy_waits_while_too_many_sessions_are_active_and_goes_on_after()
    {
        await using var move = await quiet.MoveAsync(Notes);
        var shared = move.Shared;
        var busy = Enumerable
            .Range(0, 3)
            .Select(_ => Assert.ThrowsAnyAsync<Exception>(() => shared.ExecuteAsync("SELECT pg_sleep(3600)")))
            .ToArray();
        await Waiting.UntilAsync(
            shared,
            "SELECT count(*) = 3 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'"
        );

        var promotion = move.PromoteAsync(Options with { MaxActiveSessions = 2 });
        await Waiting.UntilAsync(() => move.Watched.HasWarned("3 sessions are active"));
        await UntilProbedAsync(shared);
        await UntilProbedAsync(shared);
        Assert.False(promotion.IsCompleted);
        Assert.Equal(0, await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM tenant_promotion.loaded"));

        await shared.ExecuteAsync(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE query LIKE 'SELECT pg_sleep%' AND pid <> pg_backend_pid()
            """
        );
        await promotion;
        await Task.WhenAll(busy);
        Assert.Single(move.Watched.Warnings, warning => warning.Contains("--max-active-sessions"));
        Assert.Single(move.Watched.Infos, info => info == "The run goes on.");
        Assert.Equal(10_000, await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM notes"));
    }

    [Theory]
    [InlineData("count(*)", "says so")]
    [InlineData("count(*) > 0", "says so")]
    [InlineData("0 / (1 - count(*))", "division by zero")]
    public async Task A_run_waits_as_long_as_a_query_of_the_users_says_so_or_fails(string asked, string said)
    {
        await using var move = await quiet.MoveAsync(Notes);
        await using var busy = await move.Shared.OpenAsync();

        var promotion = Task.Run(() =>
            move.PromoteAsync(
                Options with
                {
                    ThrottleQuery = $"SELECT {asked} FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711",
                },
                phase =>
                {
                    if (phase == PhaseName.CopyData)
                        busy.Execute("SELECT pg_advisory_lock(4711)");
                }
            )
        );
        await Waiting.UntilAsync(() => promotion.IsCompleted || move.Watched.HasWarned(said));
        Assert.False(promotion.IsCompleted);
        Assert.Equal(0, await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM tenant_promotion.loaded"));

        await busy.ExecuteAsync("SELECT pg_advisory_unlock(4711)");
        await promotion;
        Assert.Contains("The run goes on.", move.Watched.Infos);
        Assert.Equal(10_000, await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM notes"));
    }

    [Theory]
    [InlineData("SELECT slug FROM public.tenants", "type String")]
    [InlineData("SELECT FROM public.nowhere", "does not exist")]
    [InlineData("DELETE FROM public.notes RETURNING 1", "read-only transaction")]
    [InlineData("SELECT 1 FROM pg_sleep(3600)", "statement timeout")]
    public async Task A_query_that_says_neither_yes_nor_no_is_refused_before_anything_is_done(string query, string why)
    {
        await using var move = await quiet.MoveAsync(Notes);

        var refused = await Assert.ThrowsAsync<MigratorException>(() =>
            move.PromoteAsync(Options with { ThrottleQuery = query })
        );

        Assert.Equal(ExitCode.Usage, refused.Code);
        Assert.Contains(why, refused.Message, StringComparison.Ordinal);
        Assert.False(await move.IsolatedExistsAsync());
    }

    [Fact]
    public async Task The_copy_waits_for_a_standby_that_is_behind()
    {
        await using var move = await quiet.MoveAsync(Notes);
        var shared = move.Shared;
        // A standby to the server is whoever says how far it has replayed.
        await using var standby = new PhysicalReplicationConnection(shared.ConnectionString());
        await standby.Open();
        var position = (await standby.IdentifySystem()).XLogPos;
        using var ending = new CancellationTokenSource();
        var reading = Task.Run(async () =>
        {
            await foreach (var _ in standby.StartReplication(position, ending.Token)) { }
        });
        standby.SetReplicationStatus(position);
        await Waiting.UntilAsync(shared, "SELECT count(*) > 0 FROM pg_stat_replication WHERE state = 'streaming'");
        await shared.ExecuteAsync(
            "INSERT INTO more (tenant_id, body) SELECT 1, repeat('y', 1000) FROM generate_series(1, 2000)"
        );
        await standby.SendStatusUpdate(default);

        var promotion = move.PromoteAsync(Options with { MaxReplicaLag = 1_000_000 });
        await Waiting.UntilAsync(() => move.Watched.HasWarned("standby"));
        await UntilProbedAsync(shared);
        Assert.False(promotion.IsCompleted);

        // The copy itself writes to the same server's log.
        await Waiting.UntilAsync(async () =>
        {
            var now = await shared.ScalarAsync<string>("SELECT pg_current_wal_lsn()::text");
            standby.SetReplicationStatus(NpgsqlTypes.NpgsqlLogSequenceNumber.Parse(now));
            await standby.SendStatusUpdate(default);
            return promotion.IsCompleted;
        });
        await promotion;
        Assert.Contains("The run goes on.", move.Watched.Infos);
        await ending.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
    }

    [Fact]
    public async Task Who_may_not_see_the_load_is_told()
    {
        await using var move = await quiet.MoveAsync(Notes);
        var shared = move.Shared;
        await shared.ExecuteAsync(
            $"REVOKE pg_read_all_stats FROM {SampleDatabase.Admin}",
            role: EmbeddedCluster.Superuser
        );

        await move.PromoteAsync(Options with { MaxActiveSessions = 100 });
        await shared.ExecuteAsync(
            $"GRANT pg_read_all_stats TO {SampleDatabase.Admin}",
            role: EmbeddedCluster.Superuser
        );

        Assert.Contains(
            move.Watched.Warnings,
            warning => warning.Contains($"GRANT pg_read_all_stats TO \"{SampleDatabase.Admin}\"")
        );
    }

    // The copy has looked at the server's load again since now, and has been told.
    static async Task UntilProbedAsync(TestDatabase shared)
    {
        var now = await shared.ScalarAsync<DateTime>("SELECT clock_timestamp()");
        await Waiting.UntilAsync(
            shared,
            """
            SELECT EXISTS (
                SELECT FROM pg_stat_activity
                WHERE datname = current_database() AND application_name LIKE 'tp/%' AND state = 'idle'
                    AND query LIKE '%pg_stat_replication r%' AND query_start > @now)
            """,
            new { now }
        );
    }

    /// <summary>A clock that only sleeping moves.</summary>
    sealed class SleepingClock : TimeProvider
    {
        public TimeSpan Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Now += dueTime;
            return System.CreateTimer(callback, state, TimeSpan.Zero, period);
        }
    }

    /// <summary>A server on which nobody else is active.</summary>
    public sealed class QuietServer : IAsyncLifetime
    {
        EmbeddedCluster? server;

        public async ValueTask InitializeAsync()
        {
            server = await EmbeddedCluster.StartAsync(await PostgresBinaries.FindOrInstallAsync());
            await Servers.CreateRolesAsync(server);
            await new TestDatabase(server, "postgres", EmbeddedCluster.Superuser).ExecuteAsync(
                $"GRANT pg_read_all_stats TO {SampleDatabase.Admin}"
            );
        }

        public async ValueTask DisposeAsync()
        {
            if (server is not null)
                await server.DisposeAsync();
        }

        /// <summary>A shared database, and the tenant to move to another on the same server.</summary>
        public async Task<TenantMove> MoveAsync(string sql)
        {
            var shared = await TestDatabase.CreateAsync(server!, Servers.NewName("quiet"), SampleDatabase.Admin);
            var slug = shared.Name.Replace('_', '-');
            await shared.ExecuteAsync(sql, new { slug });
            return new(shared, slug);
        }
    }
}
