using Migrator.Embedded;
using Migrator.Tests.Support;

namespace Migrator.Tests.PromotionTests;

/// <summary>A role that is a member of the owner is enough, as README says: what PostgreSQL 15 made the usual way.</summary>
[EveryVersion]
public sealed class MemberOfTheOwnerTests(Servers servers)
{
    [Theory]
    [SoakData(false)]
    [InlineData(true)]
    public async Task Moves_a_tenant_there_and_back_of_a_database_that_a_group_owns(bool otherServer)
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            "CREATE TABLE items (id bigint PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants);"
                + "INSERT INTO items VALUES (1, 1), (2, 2)",
            otherServer ? servers.Dedicated : null
        );
        await move.Shared.ExecuteAsync(
            $"""
            ALTER DATABASE "{move.Shared.Name}" OWNER TO {Servers.Keeper};
            ALTER TABLE tenants OWNER TO {Servers.Keeper};
            ALTER TABLE items OWNER TO {Servers.Keeper};
            """,
            role: EmbeddedCluster.Superuser
        );

        await move.PromoteAsync(validate: false);

        Assert.Equal(
            [Servers.Keeper, Servers.Keeper, Servers.Keeper],
            await move.Isolated.QueryAsync<string>(
                """
                SELECT tableowner FROM pg_tables WHERE schemaname = 'public'
                UNION ALL SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()
                """
            )
        );
        await move.Isolated.ExecuteAsync("INSERT INTO items VALUES (3, 1)");
        await move.RollBackAsync(dropIsolated: true);
        Assert.False(await move.IsolatedExistsAsync());
        Assert.Equal(3, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM items"));
    }
}
