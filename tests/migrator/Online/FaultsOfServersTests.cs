using Migrator.Embedded;
using Migrator.Tests.Support;

namespace Migrator.Tests.Online;

/// <summary>Servers go down and come back while a tenant moves online and its application writes on.</summary>
public sealed class FaultsOfServersTests
{
    [Fact]
    public async Task Restarts_of_both_servers_at_the_worst_moments_lose_and_double_nothing()
    {
        var binaries = await PostgresBinaries.FindOrInstallAsync();
        await using var shared = await EmbeddedCluster.StartAsync(binaries);
        await using var dedicated = await EmbeddedCluster.StartAsync(binaries);
        await Servers.CreateRolesAsync(shared);
        await Servers.CreateRolesAsync(dedicated);
        foreach (
            var (moment, server, mode) in new[]
            {
                ("started catch-up", shared, StopMode.Immediate),
                ("started verify", dedicated, StopMode.Immediate),
                ("started cut-over", shared, StopMode.Fast),
                ("started cut-over", dedicated, StopMode.Immediate),
                ("ended cut-over", shared, StopMode.Immediate),
                ("ended cut-over", dedicated, StopMode.Immediate),
            }
        )
        {
            await using var move = await FaultsWriter.MoveOnAsync(shared, dedicated);
            await using var writer = FaultsWriter.Start(move);
            await using var migrator = move.Start("promote", "--no-validate");
            Assert.True(await migrator.ReachesAsync(moment), migrator.Log);
            await server.RestartAsync(mode);

            var code = await migrator.ExitCodeAsync();

            Assert.True(code is 0 or 1, $"Ended with {code}:\n{migrator.Log}");
            if (code == 1)
            {
                Assert.Equal(await move.IsIsolatedAsync() ? "closed" : "open", await move.GuardAsync());
                await move.FinishAsync("promote");
            }
            await writer.StopAsync();
            await move.MustBeIsolatedAsync();
        }
    }
}
