using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.Crashes;

/// <summary>kill -9 of the real process, then the same verb again.</summary>
public sealed class KilledPromotionTests(Servers servers)
{
    public static IEnumerable<TheoryDataRow<string>> Boundaries =>
        Soak.Sweep(
            [.. Moments.FencedPhases.Select(phase => $"started {phase}"), Ended.Validate],
            [Started.CopyData, Started.CutOver]
        );

    [Theory]
    [MemberData(nameof(Boundaries))]
    public async Task A_promotion_killed_at_a_phase_boundary_goes_on_and_finishes(string moment)
    {
        await using var shop = await CrashFixture.CreateAsync(servers.Shared, servers.Dedicated);
        await shop.KillAsync("promote", moment);

        await shop.Move.ResumeAsync("promote");

        await shop.MustBeIsolatedAsync();
    }

    public static TheoryData<int> Lives => Soak.Rounds(3, 12);

    [Theory]
    [MemberData(nameof(Lives))]
    public async Task A_promotion_killed_again_and_again_at_any_moment_still_finishes(int lives)
    {
        var random = Seed.Random();
        await using var shop = await CrashFixture.CreateAsync(servers.Shared, servers.Shared, tasks: 5_000);
        for (var life = 0; life < lives; life++)
        {
            await using var migrator = shop.Start("promote");
            await migrator.ReachesAsync();
            await Task.WhenAny(Task.Delay(random.Next(700)), migrator.ExitCodeAsync());
            migrator.Kill();
        }

        await Waiting.UntilSessionsEndAsync(shop.Shared, shop.Slug);
        if (await shop.StateAsync() != "isolated")
            await shop.Move.PromoteAsync();

        await shop.MustBeIsolatedAsync();
    }

    [Theory]
    [InlineData("tenant_promotion.phase")]
    [SoakData("tenant_promotion.definition")]
    public async Task A_promotion_killed_while_it_enters_itself_in_the_journal_goes_on_and_finishes(string table)
    {
        await using var shop = await CrashFixture.CreateAsync(servers.Shared, servers.Dedicated);
        await shop.Move.PromoteAsync(stopBefore: PhaseName.InstallGuard);
        await shop.Move.RollBackAsync();

        await shop.KillAtLockAsync("promote", table);
        await shop.Move.PromoteAsync();

        await shop.MustBeIsolatedAsync();
    }

    [Fact]
    public async Task What_is_changed_in_the_copy_while_nobody_watches_is_found_before_the_flip()
    {
        await using var shop = await CrashFixture.KilledAsync(servers, Started.CutOver);
        await shop.Move.MeddleAsync("UPDATE projects SET name = 'planted' WHERE id = (SELECT min(id) FROM projects)");

        var failure = await Assert.ThrowsAsync<MigratorException>(() => shop.Move.PromoteAsync());

        Assert.Equal(ExitCode.Different, failure.Code);
        Assert.Contains("public.projects: id=", failure.Message, StringComparison.Ordinal);
        Assert.Equal("open", await shop.GuardAsync());
        await shop.Move.PromoteAsync();
        await shop.MustBeIsolatedAsync();
    }
}
