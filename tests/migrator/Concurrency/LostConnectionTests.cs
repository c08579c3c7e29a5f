using Migrator.Embedded;
using Migrator.Tests.Crashes;
using Migrator.Tests.Support;

namespace Migrator.Tests.Concurrency;

/// <summary>Servers cut the migrator's sessions off, at every phase and on either side.</summary>
public sealed class LostConnectionTests(Servers servers)
{
    public static TheoryData<string, bool> Cuts
    {
        get
        {
            var cuts = new TheoryData<string, bool>();
            foreach (var phase in (string[])["guard", "copy", "verify", "cut-over"])
                cuts.Add(phase, true);
            foreach (var phase in (string[])["provision", "copy", "build-schema", "cut-over"])
                cuts.Add(phase, false);
            return cuts;
        }
    }

    [Theory]
    [MemberData(nameof(Cuts))]
    public async Task A_promotion_whose_sessions_are_cut_off_goes_on_or_fails_so_that_it_can(
        string phase,
        bool onShared
    )
    {
        await using var shop = await CrashFixture.CreateAsync(servers.Shared, servers.Dedicated, tasks: 3_000);
        await using var migrator = shop.Start("promote");
        Assert.True(await migrator.ReachesAsync("started " + phase), migrator.Log);
        await CutAsync(
            onShared ? shop.Shared : new TestDatabase(shop.Server, "postgres", EmbeddedCluster.Superuser),
            shop.Slug
        );

        var code = await migrator.ExitCodeAsync();

        Assert.True(code is 0 or 1, $"Ended with {code}:\n{migrator.Log}");
        if (code == 1)
        {
            Assert.NotEqual("closed", await shop.GuardAsync());
            await shop.RunAsync("promote");
        }
        await shop.MustBeIsolatedAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_rollback_whose_sessions_are_cut_off_brings_everything_home_all_the_same(bool onShared)
    {
        await using var shop = await CrashFixture.CreateAsync(servers.Shared, servers.Dedicated);
        await shop.RunAsync("promote", "--no-validate");
        await shop.WriteIsolatedAsync();
        await using var migrator = shop.Start("rollback");
        Assert.True(await migrator.ReachesAsync("started bring-home"), migrator.Log);
        await CutAsync(onShared ? shop.Shared : shop.Isolated, shop.Slug);

        if (await migrator.ExitCodeAsync() != 0)
            await shop.RunAsync("rollback");

        await shop.MustBeHomeAsync();
    }

    static Task CutAsync(TestDatabase database, string slug) =>
        database.ExecuteAsync(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = @name",
            new { name = "tp/" + slug },
            EmbeddedCluster.Superuser
        );
}
