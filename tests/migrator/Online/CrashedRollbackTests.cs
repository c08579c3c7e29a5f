using Migrator.Tests.Crashes;
using Migrator.Tests.Support;

namespace Migrator.Tests.Online;

/// <summary>kill -9 on the way back, under a writer that does not stop, and then the same command again.</summary>
public sealed class CrashedRollbackTests(Servers servers)
{
    [Fact]
    public async Task A_rollback_killed_at_each_of_its_phases_in_turn_loses_and_doubles_nothing()
    {
        await using var move = await TenantMove.CreateAsync(servers, FaultsWriter.Schema, servers.Dedicated);
        await move.PromoteAsync(validate: false);
        await using var writer = FaultsWriter.Start(move);
        foreach (var phase in (string[])["follow-home", "verify-home", "flip-back", "release-shared"])
            await move.KillAsync("rollback", $"started {phase}");
        await move.ResumeAsync("rollback");

        await writer.StopAsync();
        await move.MustBeHomeAsync();
    }

    [Fact]
    public async Task A_rollback_killed_again_and_again_at_any_moment_loses_and_doubles_nothing()
    {
        var random = Seeded.Random();
        await using var move = await TenantMove.CreateAsync(servers, FaultsWriter.Schema, servers.Dedicated);
        await move.PromoteAsync(validate: false);
        await using var writer = FaultsWriter.Start(move);
        foreach (
            var phase in (string[])
                ["follow-home", "follow-home", "verify-home", "verify-home", "flip-back", "flip-back", "flip-back"]
        )
            if (await move.IsIsolatedAsync())
                await move.KillAsync("rollback", $"started {phase}", TimeSpan.FromMilliseconds(random.Next(400)));
        await move.ResumeAsync("rollback");

        await writer.StopAsync();
        await move.MustBeHomeAsync();
    }

    [Theory]
    [InlineData("start-streaming")]
    [InlineData("catch-up")]
    [InlineData("clone-behaviour")]
    [InlineData("cut-over")]
    public async Task A_killed_promotion_that_is_rolled_back_leaves_no_slot(string phase)
    {
        await using var move = await TenantMove.CreateAsync(servers, FaultsWriter.Schema, servers.Dedicated);
        await using var writer = FaultsWriter.Start(move);
        await move.KillAsync("promote", $"started {phase}");

        await move.FinishAsync("rollback");

        await writer.StopAsync();
        await move.MustBeHomeAsync();
        Assert.False(await move.IsolatedExistsAsync());
    }
}
