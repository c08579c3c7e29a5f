using Migrator.Tests.Support;

namespace Migrator.Tests.Crashes;

/// <summary>kill -9 of the real process, then the same command again.</summary>
public sealed class KilledPromotionTests(Servers servers)
{
    public static TheoryData<string> Moments => [.. Workshop.Phases.SelectMany(phase => new[] { $"started {phase}", $"ended {phase}" })];

    [Theory]
    [MemberData(nameof(Moments))]
    public async Task A_promotion_killed_at_a_phase_boundary_goes_on_and_finishes(string moment)
    {
        await using var shop = await Workshop.CreateAsync(servers.Shared, servers.Dedicated);
        await shop.KillAsync("promote", moment);

        var ended = await shop.ModeAsync() == "isolated" && moment == "ended validate";
        await shop.RunAsync(ended ? 3 : 0, "promote");

        await shop.MustBeIsolatedAsync();
    }

    [Fact]
    public async Task A_promotion_killed_again_and_again_at_any_moment_still_finishes()
    {
        var seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        await using var shop = await Workshop.CreateAsync(servers.Shared, servers.Shared, tasks: 5_000);
        for (var life = 0; life < 12; life++)
        {
            await using var migrator = shop.Start("promote");
            await Task.WhenAny(Task.Delay(300 + random.Next(900)), migrator.ExitCodeAsync());
            migrator.Kill();
        }

        if (await shop.ModeAsync() != "isolated") await shop.RunAsync("promote");

        await shop.RunAsync("verify");
        await shop.MustBeIsolatedAsync();
    }
}
