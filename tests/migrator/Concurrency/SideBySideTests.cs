using Dapper;
using Migrator.Model;
using Migrator.Terminal;
using Migrator.Tests.Crashes;
using Migrator.Tests.Support;

namespace Migrator.Tests.Concurrency;

/// <summary>One tenant, one run; several tenants, several runs.</summary>
public sealed class SideBySideTests(Servers servers)
{
    [Fact]
    public async Task A_second_run_of_a_tenant_is_turned_away_while_the_first_is_at_work()
    {
        await using var shop = await CrashFixture.CreateAsync(servers.Shared, servers.Dedicated);
        await shop.Move.PromoteAsync(stopBefore: PhaseName.CloseGuard);
        // The first is at work for as long as this write keeps the guard from closing.
        await using var writer = await shop.Shared.OpenAsync();
        await using var write = await writer.BeginTransactionAsync();
        await writer.ExecuteAsync(CrashFixture.TenantWrite);
        await using var first = shop.Start("promote", "--max-pause", "10m");
        await first.MustReachAsync(Started.CloseGuard);
        await using var second = shop.Start("promote");

        Assert.Equal(5, await second.ExitCodeAsync());

        Assert.Contains("Another run holds tenant", second.Log);
        await write.CommitAsync();
        Assert.True(await first.ExitCodeAsync() == 0, first.Log);
        await shop.MustBeIsolatedAsync();
    }

    const string Notes = """
        CREATE TABLE notes (
            id bigserial PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, body text NOT NULL);
        CREATE TABLE words (note_id bigint NOT NULL REFERENCES notes, word text NOT NULL);
        INSERT INTO notes (tenant_id, body) SELECT 1 + n % 2, n FROM generate_series(1, 2000) n;
        INSERT INTO words SELECT id, body FROM notes;
        """;

    [Fact]
    public async Task Two_tenants_move_at_once_and_each_takes_its_own_rows_only()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        var other = move.Slug.Replace("acme", "bolt");
        var settings = move.Settings;
        Task Promote(string slug) =>
            TenantMove.WithPromotionAsync(
                settings,
                Slug.TryParse(slug, out var parsed) ? parsed : throw new ArgumentException(slug),
                new(PromotionOptions.Fenced, 2, TimeSpan.FromSeconds(30), true, []),
                new SilentProgress(),
                promotion => promotion.PromoteAsync(TestContext.Current.CancellationToken)
            );

        await Task.WhenAll(Promote(move.Slug), Promote(other));

        await using var second = new TestDatabase(
            move.Server,
            move.TargetName.Replace("acme", "bolt"),
            move.Shared.Owner
        );
        foreach (var (database, key) in new[] { (move.Isolated, TenantMove.Acme), (second, TenantMove.Bolt) })
        {
            Assert.Equal([key], await database.QueryAsync<int>("SELECT DISTINCT tenant_id::int FROM notes"));
            Assert.Equal([key], await database.QueryAsync<int>("SELECT id::int FROM tenants"));
            Assert.Equal(1000, await database.ScalarAsync<long>("SELECT count(*) FROM words"));
        }
    }
}
