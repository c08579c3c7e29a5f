using Migrator.Embedded;
using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.PromotionTests;

/// <summary>What a database or a role says of its sessions cuts the application's, not ours.</summary>
public sealed class SessionSettingsTests(Servers servers)
{
    // The settings go with the tenant, so the second promotion restores into a database that has them.
    [Theory]
    [InlineData(PromotionOptions.Online)]
    [SoakData(PromotionOptions.Fenced)]
    public async Task A_database_that_cuts_sessions_is_promoted_and_comes_home_twice(string mode)
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            """
            CREATE TABLE notes (id bigserial PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, body text);
            INSERT INTO notes (tenant_id, body) SELECT 1 + n % 2, 'body' FROM generate_series(1, 20) n;
            """
        );
        move.Mode = mode;
        foreach (var setting in (string[])["lock_timeout = 1", "idle_session_timeout = 100"])
            await move.Shared.ExecuteAsync(
                $"ALTER DATABASE {move.Shared.Name} SET {setting}",
                role: EmbeddedCluster.Superuser
            );

        for (var round = 1; round <= 2; round++)
        {
            await move.PromoteAsync(validate: false);
            await move.RollBackAsync();
        }

        Assert.Equal(10, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM notes WHERE tenant_id = 1"));
        Assert.Equal("shared", await move.ModeAsync());
    }
}
