using Migrator.Tests.Support;

namespace Migrator.Tests.Crashes;

/// <summary>kill -9 of the real process, then the way back.</summary>
public sealed class KilledThenRolledBackTests(Servers servers)
{
    [Theory]
    [InlineData("started provision")]
    [InlineData("ended provision")]
    [InlineData("started clone-schema")]
    [InlineData("started copy")]
    [InlineData("started build-schema")]
    [InlineData("ended verify")]
    public async Task A_promotion_killed_before_the_flip_is_rolled_back_without_a_trace(string moment)
    {
        await using var shop = await Workshop.CreateAsync(servers.Shared, servers.Dedicated);
        await shop.KillAsync("promote", moment);

        await shop.RunAsync("rollback");

        await shop.MustBeUntouchedAsync();
    }

    [Theory]
    [InlineData("started close-isolated")]
    [InlineData("started bring-home")]
    [InlineData("started flip-back")]
    [InlineData("started release-shared")]
    public async Task A_rollback_killed_on_the_way_brings_everything_home_the_next_time(string moment)
    {
        await using var shop = await Workshop.CreateAsync(servers.Shared, servers.Dedicated);
        await shop.RunAsync("promote", "--no-validate");
        await shop.WriteIsolatedAsync();
        await shop.KillAsync("rollback", moment);

        await shop.RunAsync("rollback");

        await shop.MustBeHomeAsync();
    }

    [Fact]
    public async Task A_finalize_killed_on_the_way_goes_on()
    {
        await using var shop = await Workshop.CreateAsync(servers.Shared, servers.Dedicated, tasks: 3_000);
        await shop.RunAsync("promote", "--no-validate");
        await shop.KillAsync("finalize", "started delete-shared", "--batch-size=50");

        await shop.RunAsync("finalize");

        foreach (var table in Workshop.Tables.Where(table => table.Where != "true" && table.Table != "public.tenants" && table.Table != "tenants"))
            Assert.Equal(0, await shop.Shared.ScalarAsync<long>($"SELECT count(*) FROM {table.Table} t WHERE {table.Where}"));
        await shop.OthersMustBeUntouchedAsync();
    }
}
