using Migrator.Embedded;
using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.PromotionTests;

/// <summary>On Cloud SQL nobody says ALTER ROLE … REPLICATION by hand to a tenant's new server.</summary>
public sealed class ReplicationRightTests(Servers servers)
{
    // Here the group has that name and no power: what Cloud SQL would allow, PostgreSQL refuses.
    const string Group = """
        DO $$ BEGIN
            CREATE ROLE cloudsqlsuperuser NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END $$
        """;

    [Fact]
    public async Task A_role_of_another_server_is_told_to_get_the_right()
    {
        await using var move = await WithoutReplicationAsync();

        Assert.Contains((await move.PreflightAsync()).Faults, fault => fault.Contains("may not replicate"));
    }

    [Fact]
    public async Task An_administrator_of_a_cloud_server_takes_the_right_before_anything_is_made()
    {
        await using var move = await WithoutReplicationAsync();
        var server = new TestDatabase(servers.Dedicated, "postgres", EmbeddedCluster.Superuser);
        await server.ExecuteAsync(Group);
        await server.ExecuteAsync($"GRANT cloudsqlsuperuser TO {move.Shared.Owner}");

        Assert.DoesNotContain((await move.PreflightAsync()).Faults, fault => fault.Contains("may not replicate"));
        var refused = await Assert.ThrowsAsync<MigratorException>(() => move.PromoteAsync());

        Assert.Contains($"ALTER ROLE \"{move.Shared.Owner}\" REPLICATION", refused.Message);
        Assert.Equal(["preflight", PhaseName.Provision], move.Watched.Phases.TakeLast(2));
        Assert.False(await move.IsolatedExistsAsync());
    }

    async Task<TenantMove> WithoutReplicationAsync()
    {
        var owner = Servers.NewName("mover");
        await servers.Shared.CreateRoleAsync(owner, "LOGIN CREATEDB REPLICATION");
        await servers.Dedicated.CreateRoleAsync(owner, "LOGIN CREATEDB");
        return await TenantMove.CreateAsync(
            servers,
            "CREATE TABLE notes (id int PRIMARY KEY, tenant_id bigint NOT NULL)",
            servers.Dedicated,
            owner: owner
        );
    }
}
