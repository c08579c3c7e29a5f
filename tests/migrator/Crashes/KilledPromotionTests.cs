using Migrator.Tests.Support;

namespace Migrator.Tests.Crashes;

/// <summary>kill -9 of the real process, then the same command again.</summary>
public sealed class KilledPromotionTests(Servers servers)
{
    public static TheoryData<string> Moments =>
        [.. CrashFixture.Phases.Select(phase => $"started {phase}"), "ended validate"];

    [Theory]
    [MemberData(nameof(Moments))]
    public async Task A_promotion_killed_at_a_phase_boundary_goes_on_and_finishes(string moment)
    {
        await using var shop = await CrashFixture.CreateAsync(servers.Shared, servers.Dedicated);
        await shop.KillAsync("promote", moment);

        await using var again = shop.Start("promote");

        // Killed after its last phase it may have had nothing left to do but to report.
        var code = await again.ExitCodeAsync();
        Assert.True(code == 0 || (code == 3 && moment == "ended validate"), $"Ended with {code}:\n{again.Log}");
        await shop.MustBeIsolatedAsync();
    }

    [Fact]
    public async Task A_promotion_killed_again_and_again_at_any_moment_still_finishes()
    {
        var random = Seeded.Random();
        await using var shop = await CrashFixture.CreateAsync(servers.Shared, servers.Shared, tasks: 5_000);
        for (var life = 0; life < 8; life++)
        {
            await using var migrator = shop.Start("promote");
            await migrator.ReachesAsync();
            await Task.WhenAny(Task.Delay(random.Next(700)), migrator.ExitCodeAsync());
            migrator.Kill();
        }

        if (await shop.StateAsync() != "isolated")
            await shop.RunAsync("promote");

        await shop.MustBeIsolatedAsync();
    }

    [Fact]
    public async Task A_promotion_killed_while_it_enters_itself_in_the_journal_goes_on_and_finishes()
    {
        await using var shop = await CrashFixture.CreateAsync(servers.Shared, servers.Dedicated);
        await shop.KillAsync("promote", "started guard");
        await shop.RunAsync("rollback");

        await shop.KillAtLockAsync("promote", "tenant_promotion.phase");
        await shop.RunAsync("promote");

        await shop.MustBeIsolatedAsync();
    }

    [Fact]
    public async Task What_is_changed_in_the_copy_while_nobody_watches_is_found_before_the_flip()
    {
        await using var shop = await CrashFixture.CreateAsync(servers.Shared, servers.Dedicated);
        await shop.KillAsync("promote", "started cut-over");
        if (await shop.ModeAsync() == "isolated")
            Assert.Fail("Too late to be killed before the flip.");
        await shop.Isolated.ExecuteAsync(
            "UPDATE projects SET name = 'planted' WHERE id = (SELECT min(id) FROM projects)"
        );

        var said = await shop.RunAsync(4, "promote");

        Assert.Contains("public.projects: id=", said, StringComparison.Ordinal);
        Assert.Equal("open", await shop.GuardAsync());
        await shop.RunAsync("promote");
        await shop.MustBeIsolatedAsync();
    }
}
