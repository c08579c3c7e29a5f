using Migrator.Embedded;
using Migrator.Tests.Crashes;
using Migrator.Tests.Support;

namespace Migrator.Tests.Online;

/// <summary>Servers go down and come back while a tenant moves online and its application writes on.</summary>
public sealed class FaultsOfServersTests
{
    static readonly (string Moment, bool RestartsShared, StopMode Mode)[] WorstMoments =
    [
        (Started.CatchUp, true, StopMode.Immediate),
        (Started.CutOver, false, StopMode.Immediate),
        (Ended.CutOver, true, StopMode.Immediate),
        (Started.Verify, false, StopMode.Immediate),
        (Started.CutOver, true, StopMode.Fast),
        (Ended.CutOver, false, StopMode.Immediate),
    ];

    public static TheoryData<int> Restarts => Soak.Rounds(3, 6);

    [Theory]
    [MemberData(nameof(Restarts))]
    public async Task Restarts_of_both_servers_at_the_worst_moments_lose_and_double_nothing(int restarts)
    {
        var binaries = await PostgresBinaries.FindOrInstallAsync();
        await using var shared = await EmbeddedCluster.StartAsync(binaries);
        await using var dedicated = await EmbeddedCluster.StartAsync(binaries);
        await Servers.CreateRolesAsync(shared);
        await Servers.CreateRolesAsync(dedicated);
        foreach (var (moment, restartsShared, mode) in WorstMoments.Take(restarts))
        {
            await using var move = await FaultsWriter.MoveOnAsync(shared, dedicated);
            await using var writer = FaultsWriter.Start(move);
            await using var migrator = move.Start("promote", "--no-validate");
            await migrator.MustReachAsync(moment);
            await (restartsShared ? shared : dedicated).RestartAsync(mode);

            var code = await migrator.ExitCodeAsync();

            Assert.True(code is 0 or 1, $"Ended with {code}:\n{migrator.Log}");
            if (code == 1)
            {
                Assert.Equal(await move.IsIsolatedAsync() ? "moved" : "open", await move.GuardAsync());
                await move.PromoteAsync(validate: false);
            }
            await writer.StopAsync();
            await move.MustBeIsolatedAsync();
        }
    }
}
