using System.Diagnostics;
using Migrator.Tests.Support;

namespace Migrator.Tests.Crashes;

/// <summary>A person presses Ctrl-C; Cloud Run sends SIGTERM.</summary>
public sealed class InterruptedTests(Servers servers)
{
    [Theory]
    [InlineData("started copy", false)]
    [InlineData("started build-schema", false)]
    [InlineData("started copy", true)]
    public async Task An_interrupted_promotion_stops_at_once_with_the_guard_open_and_goes_on_later(
        string moment,
        bool terminate
    )
    {
        await using var shop = await CrashFixture.CreateAsync(servers.Shared, servers.Dedicated, tasks: 20_000);
        await using (var migrator = shop.Start("promote"))
        {
            Assert.True(await migrator.ReachesAsync(moment), migrator.Log);
            var clock = Stopwatch.StartNew();
            if (terminate)
                migrator.Terminate();
            else
                migrator.Interrupt();

            Assert.Equal(130, await migrator.ExitCodeAsync());
            // Two seconds, and room for a machine that runs the whole suite.
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5), $"it took {clock.Elapsed}");
        }
        Assert.Equal("open", await shop.GuardAsync());
        await shop.WriteAsync();

        await shop.RunAsync("promote");

        await shop.MustBeIsolatedAsync();
    }
}
