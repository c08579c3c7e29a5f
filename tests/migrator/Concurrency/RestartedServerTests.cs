using Migrator.Embedded;
using Migrator.Tests.Crashes;
using Migrator.Tests.Support;

namespace Migrator.Tests.Concurrency;

/// <summary>A server goes down and comes back while a tenant moves.</summary>
public sealed class RestartedServerTests
{
    [Fact]
    public async Task A_promotion_outlives_restarts_of_both_servers()
    {
        var binaries = await PostgresBinaries.FindOrInstallAsync();
        await using var shared = await EmbeddedCluster.StartAsync(binaries);
        await using var dedicated = await EmbeddedCluster.StartAsync(binaries);
        await Servers.CreateRolesAsync(shared);
        await Servers.CreateRolesAsync(dedicated);
        foreach (
            var (server, mode, moment) in new[]
            {
                (shared, StopMode.Immediate, "started copy"),
                (dedicated, StopMode.Immediate, "started copy"),
                (shared, StopMode.Fast, "started build-schema"),
                (dedicated, StopMode.Fast, "started verify"),
            }
        )
        {
            await using var shop = await CrashFixture.CreateAsync(shared, dedicated, tasks: 3_000);
            await using var migrator = shop.Start("promote");
            Assert.True(await migrator.ReachesAsync(moment), migrator.Log);
            await server.RestartAsync(mode);

            var code = await migrator.ExitCodeAsync();

            Assert.True(code is 0 or 1, $"Ended with {code}:\n{migrator.Log}");
            if (code == 1)
            {
                Assert.NotEqual("closed", await shop.GuardAsync());
                await shop.RunAsync("promote");
            }
            await shop.MustBeIsolatedAsync();
        }
    }
}
