using Dapper;
using Migrator.Tests.Crashes;
using Migrator.Tests.Support;

namespace Migrator.Tests.Online;

/// <summary>kill -9 of the real process on the online way, under writers that do not stop, and then the same command again.</summary>
public sealed class CrashedPromotionTests(Servers servers)
{
    // All that take a while: the last, which validates nothing here, is over before the signal arrives.
    static readonly string[] Phases =
    [
        "provision",
        "guard",
        "start-streaming",
        "clone-schema",
        "copy",
        "catch-up",
        "build-schema",
        "clone-behaviour",
        "verify",
        "cut-over",
        "stop-streaming",
        "verify-flip",
    ];

    static readonly TimeSpan Stretch = TimeSpan.FromSeconds(0.5);

    [Fact]
    public async Task A_promotion_killed_at_each_of_its_phases_in_turn_loses_and_doubles_nothing()
    {
        await using var move = await TenantMove.CreateAsync(servers, StressWorkload.Schema, servers.Dedicated);
        await using var workload = await StressWorkload.StartAsync(move, Seeded.Random());
        foreach (var phase in Phases)
            await move.KillAsync("promote", $"started {phase}");
        await move.ResumeAsync("promote");

        await workload.ResumeAsync(Stretch);
        await workload.StopAsync();
        await move.MustBeIsolatedAsync();
    }

    [Fact]
    public async Task A_promotion_killed_again_and_again_at_any_moment_loses_and_doubles_nothing()
    {
        var random = Seeded.Random();
        await using var move = await TenantMove.CreateAsync(servers, StressWorkload.Schema, servers.Dedicated);
        await using var workload = await StressWorkload.StartAsync(move, random);
        // The cutover is short, and most can go wrong there.
        string[] moments =
        [
            "copy",
            "catch-up",
            "catch-up",
            "build-schema",
            "verify",
            "verify",
            "cut-over",
            "cut-over",
            "cut-over",
            "cut-over",
        ];
        foreach (var phase in moments)
            if (!await move.IsIsolatedAsync())
                await move.KillAsync(
                    "promote",
                    $"started {phase}",
                    TimeSpan.FromMilliseconds(random.Next(phase == "cut-over" ? 700 : 300))
                );
        await move.ResumeAsync("promote");

        await workload.ResumeAsync(Stretch);
        await workload.StopAsync();
        await move.MustBeIsolatedAsync();
    }

    [Fact]
    public async Task A_promotion_killed_when_one_side_is_flipped_and_the_other_is_not_goes_on()
    {
        await using var move = await TenantMove.CreateAsync(servers, StressWorkload.Schema, servers.Dedicated);
        await using var workload = await StressWorkload.StartAsync(move, Seeded.Random());
        await using (var holder = await move.Shared.OpenAsync())
        await using (var migrator = move.Start("promote", "--no-validate"))
        {
            Assert.True(await migrator.ReachesAsync("started cut-over"), migrator.Log);
            // Not a write of the tenant, so the guard closes; but the flip of the shared side waits.
            await using var transaction = await holder.BeginTransactionAsync();
            await holder.ExecuteAsync("LOCK TABLE tenants IN SHARE MODE");
            await CrashFixture.UntilAsync(
                move.Shared,
                "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%isolation_mode%' AND datname = current_database())"
            );
            migrator.Kill();
            Assert.Equal("isolated", await move.Isolated.ScalarAsync<string>("SELECT isolation_mode FROM tenants"));
        }
        Assert.False(await move.IsIsolatedAsync());

        await move.FinishAsync("promote");

        await workload.ResumeAsync(Stretch);
        await workload.StopAsync();
        await move.MustBeIsolatedAsync();
    }
}
