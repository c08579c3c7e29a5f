using Migrator.Embedded;
using Migrator.Tests.Crashes;
using Migrator.Tests.Support;

namespace Migrator.Tests.Concurrency;

/// <summary>A server goes down and comes back while a tenant moves.</summary>
public sealed class RestartedServerTests
{
    public static TheoryData<int> Restarts => Soak.Rounds(2, 4);

    [Theory]
    [MemberData(nameof(Restarts))]
    public async Task A_promotion_outlives_restarts_of_both_servers(int restarts)
    {
        var binaries = await PostgresBinaries.FindOrInstallAsync();
        await using var shared = await EmbeddedCluster.StartAsync(binaries);
        await using var dedicated = await EmbeddedCluster.StartAsync(binaries);
        await Servers.CreateRolesAsync(shared);
        await Servers.CreateRolesAsync(dedicated);
        foreach (
            var (server, mode, moment) in new[]
            {
                (shared, StopMode.Immediate, Started.CopyData),
                (dedicated, StopMode.Fast, Started.Verify),
                (dedicated, StopMode.Immediate, Started.CopyData),
                (shared, StopMode.Fast, Started.BuildSchema),
            }.Take(restarts)
        )
        {
            await using var shop = await CrashFixture.CreateAsync(shared, dedicated, tasks: 3_000);
            await using var migrator = shop.Start("promote");
            await migrator.MustReachAsync(moment);
            await server.RestartAsync(mode);

            var code = await migrator.ExitCodeAsync();

            Assert.True(code is 0 or 1, $"Ended with {code}:\n{migrator.Log}");
            if (code == 1)
            {
                Assert.NotEqual("closed", await shop.GuardAsync());
                await shop.Move.PromoteAsync();
            }
            await shop.MustBeIsolatedAsync();
        }
    }
}
