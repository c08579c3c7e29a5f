using Dapper;
using Migrator.Model;
using Migrator.Tests.Crashes;
using Migrator.Tests.Online.Stress;
using Migrator.Tests.Support;

namespace Migrator.Tests.Online;

/// <summary>
/// kill -9 of the real process on the online way, under writers that do not stop, and then the same command again.
/// </summary>
public sealed class CrashedPromotionTests(Servers servers)
{
    // All that take a while: the last, which validates nothing here, is over before the signal arrives.
    static readonly string[] Phases =
    [
        PhaseName.Provision,
        PhaseName.InstallGuard,
        PhaseName.StartStreaming,
        PhaseName.CloneSchema,
        PhaseName.CopyData,
        PhaseName.CatchUp,
        PhaseName.BuildSchema,
        PhaseName.CloneTriggersAndPolicies,
        PhaseName.Verify,
        PhaseName.CutOver,
        PhaseName.StopStreaming,
        PhaseName.VerifyFlip,
    ];

    // Those after which the next run has most to put right.
    static readonly string[] Some = [PhaseName.CopyData, PhaseName.CatchUp, PhaseName.CutOver, PhaseName.StopStreaming];

    // The cutover is short, and most can go wrong there.
    static readonly string[] AtAnyMoment =
    [
        PhaseName.CopyData,
        PhaseName.CatchUp,
        PhaseName.CatchUp,
        PhaseName.BuildSchema,
        PhaseName.Verify,
        PhaseName.Verify,
        PhaseName.CutOver,
        PhaseName.CutOver,
        PhaseName.CutOver,
        PhaseName.CutOver,
    ];

    public static TheoryData<bool> Sweeps => [new TheoryDataRow<bool>(false), Soak.Row(true)];

    [Theory]
    [MemberData(nameof(Sweeps))]
    public async Task A_promotion_killed_at_each_of_its_phases_in_turn_loses_and_doubles_nothing(bool whole)
    {
        await using var move = await TenantMove.CreateAsync(servers, StressWorkload.Schema, servers.Dedicated);
        await using var workload = await StressWorkload.StartAsync(move, Seed.Random(), travelling: whole);
        foreach (var phase in whole ? Phases : Some)
            if (!await move.HasEndedPhaseAsync(phase))
                await move.KillAsync("promote", $"started {phase}", arguments: "--no-validate");
        await move.ResumeAsync("promote");

        await workload.ResumeAsync();
        await workload.StopAsync();
        await move.MustBeIsolatedAsync();
    }

    [Fact]
    [Trait(Soak.Category, Soak.Name)]
    public async Task A_promotion_killed_again_and_again_at_any_moment_loses_and_doubles_nothing()
    {
        var random = Seed.Random();
        await using var move = await TenantMove.CreateAsync(servers, StressWorkload.Schema, servers.Dedicated);
        await using var workload = await StressWorkload.StartAsync(move, random, travelling: true);
        foreach (var phase in AtAnyMoment)
            if (!await move.IsIsolatedAsync())
                await move.KillAsync(
                    "promote",
                    $"started {phase}",
                    TimeSpan.FromMilliseconds(random.Next(phase == PhaseName.CutOver ? 700 : 300)),
                    "--no-validate"
                );
        await move.ResumeAsync("promote");

        await workload.ResumeAsync();
        await workload.StopAsync();
        await move.MustBeIsolatedAsync();
    }

    [Fact]
    public async Task A_promotion_killed_when_one_side_is_flipped_and_the_other_is_not_goes_on()
    {
        await using var move = await TenantMove.CreateAsync(servers, StressWorkload.Schema, servers.Dedicated);
        await using var workload = await StressWorkload.StartAsync(move, Seed.Random(), travelling: false);
        await using (var holder = await move.Shared.OpenAsync())
        await using (var migrator = move.Start("promote", "--no-validate", "--max-pause", "10m"))
        {
            // A lock that comes when the cutover has begun may come too late.
            await migrator.MustReachAsync(Started.Verify);
            // Not a write of the tenant, so the guard closes; but the flip of the shared side waits.
            await using var transaction = await holder.BeginTransactionAsync();
            await holder.ExecuteAsync("LOCK TABLE tenants IN SHARE MODE");
            await Waiting.UntilAsync(
                move.Shared,
                "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE @holder = ANY (pg_blocking_pids(pid)))",
                new { holder = holder.ProcessID }
            );
            migrator.Kill();
            Assert.Equal("isolated", await move.Isolated.ScalarAsync<string>("SELECT isolation_mode FROM tenants"));
        }
        Assert.False(await move.IsIsolatedAsync());

        await move.PromoteAsync(validate: false);

        await workload.ResumeAsync();
        await workload.StopAsync();
        await move.MustBeIsolatedAsync();
    }
}
