using Migrator.Tests.Support;

namespace Migrator.Tests.Crashes;

/// <summary>kill -9 of the real process, then the way back.</summary>
public sealed class KilledRollbackTests(Servers servers)
{
    public static TheoryData<string> BeforeTheFlip =>
        [.. CrashFixture.Phases.Skip(1).SkipLast(2).Select(phase => $"started {phase}")];

    [Theory]
    [MemberData(nameof(BeforeTheFlip))]
    public async Task A_killed_promotion_that_is_rolled_back_leaves_no_trace(string moment)
    {
        await using var shop = await CrashFixture.CreateAsync(servers.Shared, servers.Dedicated);
        await shop.KillAsync("promote", moment);

        await shop.RunAsync("rollback");

        await shop.MustBeUntouchedAsync();
    }

    [Theory]
    [InlineData("started build-schema")]
    [InlineData("ended guard")]
    [InlineData("started provision")]
    [InlineData("ended provision")]
    public async Task A_rollback_killed_before_the_flip_can_be_repeated(string moment)
    {
        await using var shop = await CrashFixture.CreateAsync(servers.Shared, servers.Dedicated);
        await shop.KillAsync("promote", "ended build-schema");
        await shop.KillAsync("rollback", moment);

        await using var again = shop.Start("rollback");

        // Killed after its last undo it may have had nothing left to do but to say so.
        var code = await again.ExitCodeAsync();
        Assert.True(code == 0 || (code == 2 && moment == "ended provision"), $"Ended with {code}:\n{again.Log}");
        await shop.MustBeUntouchedAsync();
    }

    [Theory]
    [InlineData("ended guard")]
    [InlineData("started provision")]
    [InlineData("ended provision")]
    public async Task A_promotion_after_a_rollback_that_was_killed_builds_on_nothing_that_is_gone(string moment)
    {
        await using var shop = await CrashFixture.CreateAsync(servers.Shared, servers.Dedicated);
        await shop.KillAsync("promote", "ended build-schema");
        await shop.KillAsync("rollback", moment);

        await shop.RunAsync("promote");

        await shop.MustBeIsolatedAsync();
        await Assert.ThrowsAsync<Npgsql.PostgresException>(shop.WriteAsync);
    }

    [Theory]
    [InlineData("started close-isolated")]
    [InlineData("started bring-home")]
    [InlineData("ended bring-home")]
    [InlineData("started release-shared")]
    public async Task A_rollback_killed_after_the_flip_brings_every_change_home_when_repeated(string moment)
    {
        await using var shop = await CrashFixture.CreateAsync(servers.Shared, servers.Dedicated);
        await shop.RunAsync("promote", "--no-validate");
        await shop.WriteIsolatedAsync();
        await shop.KillAsync("rollback", moment);

        await shop.RunAsync("rollback");

        await shop.MustBeHomeAsync();
    }

    [Theory]
    [InlineData("started delete-shared")]
    [InlineData("ended delete-shared")]
    public async Task A_killed_finalize_goes_on_and_deletes_the_rest(string moment)
    {
        await using var shop = await CrashFixture.CreateAsync(servers.Shared, servers.Dedicated);
        await shop.RunAsync("promote", "--no-validate");
        await shop.KillAsync("finalize", moment, "--batch-size", "50");

        await shop.RunAsync("finalize", "--batch-size", "50");

        await shop.MustBeFinalizedAsync();
    }
}
