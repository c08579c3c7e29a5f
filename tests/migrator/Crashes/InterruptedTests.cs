using Dapper;
using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.Crashes;

/// <summary>A person presses Ctrl-C; Cloud Run sends SIGTERM.</summary>
public sealed class InterruptedTests(Servers servers)
{
    // Built in the isolated database only, and there it waits for whoever holds the lock.
    const string Obstacle = """
        CREATE FUNCTION obstacle(name text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$
            BEGIN
                IF current_database() LIKE 'tenant%' THEN PERFORM pg_advisory_xact_lock_shared(4711); END IF;
                RETURN name;
            END $$;
        CREATE INDEX obstacle ON projects (public.obstacle(name));
        """;

    [Theory]
    [InlineData(Started.CopyData, false)]
    [SoakData(Started.BuildSchema, false)]
    [InlineData(Started.CopyData, true)]
    public async Task An_interrupted_promotion_stops_at_once_with_the_guard_open_and_goes_on_later(
        string moment,
        bool terminate
    )
    {
        await using var shop = await CrashFixture.CreateAsync(servers.Shared, servers.Dedicated);
        await shop.Shared.ExecuteAsync(Obstacle);
        await shop.Move.PromoteAsync(stopBefore: PhaseName.CloseGuard);
        await using (var writer = await shop.Shared.OpenAsync())
        {
            // The guard does not close before this write ends: time to put something in the way of what comes then.
            await using var write = await writer.BeginTransactionAsync();
            await writer.ExecuteAsync(CrashFixture.TenantWrite);
            await using var migrator = shop.Start("promote", "--max-pause", "10m");
            await migrator.MustReachAsync(Started.CloseGuard);
            await using var holder = await shop.Isolated.OpenAsync();
            await using var holding = await holder.BeginTransactionAsync();
            await holder.ExecuteAsync(
                moment == Started.CopyData ? "LOCK TABLE comments IN SHARE MODE" : "SELECT pg_advisory_xact_lock(4711)"
            );
            await write.CommitAsync();
            await Waiting.UntilAsync(
                shop.Isolated,
                """
                SELECT EXISTS (
                    SELECT FROM pg_locks JOIN pg_database d ON d.oid = database
                    WHERE NOT granted AND datname = current_database())
                """
            );

            if (terminate)
                migrator.Terminate();
            else
                migrator.Interrupt();

            // What it waited for has not come and will not: at once means without it.
            Assert.Equal(130, await migrator.ExitCodeAsync());
            Assert.True(migrator.HasReached(moment));
        }
        Assert.Equal("open", await shop.GuardAsync());
        await shop.WriteAsync();

        await shop.Move.PromoteAsync();

        await shop.MustBeIsolatedAsync();
    }
}
