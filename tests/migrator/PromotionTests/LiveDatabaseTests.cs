using Migrator.Embedded;
using Migrator.Model;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.PromotionTests;

/// <summary>
/// A database that the tenant works in is never emptied, dropped or taken over, whatever a copy of the shared database
/// says.
/// </summary>
public sealed class LiveDatabaseTests(Servers servers)
{
    const string Notes =
        "CREATE TABLE notes (id bigserial PRIMARY KEY, tenant_id bigint NOT NULL); INSERT INTO notes (tenant_id) VALUES (1), (2);";

    const string WrittenSince = "INSERT INTO notes (id, tenant_id) VALUES (7000000, 1)";

    [Fact]
    public async Task A_staging_copy_cannot_promote_into_productions_live_database()
    {
        await using var production = await TenantMove.CreateAsync(servers, Notes);
        await using var staging = await CopyAsync(production);
        await production.PromoteAsync(validate: false);
        await production.Isolated.ExecuteAsync(WrittenSince);

        var refused = await Assert.ThrowsAsync<MigratorException>(() =>
            OnCopyAsync(production, staging).PromoteAsync()
        );

        Assert.Equal(ExitCode.Refused, refused.Code);
        Assert.Contains($"was made from the shared database {production.Shared.Name}", refused.Message);
        Assert.Contains("--target", refused.Message);
        await MustBeUntouchedAsync(production);
    }

    [Theory]
    [InlineData("rollback")]
    [SoakData("rollback --drop-isolated")]
    [InlineData("finalize")]
    [SoakData("promote")]
    public async Task A_copy_made_after_the_flip_cannot_touch_the_live_database(string verb)
    {
        await using var production = await TenantMove.CreateAsync(servers, Notes);
        await production.PromoteAsync(stopBefore: verb == "promote" ? PhaseName.Validate : null, validate: false);
        await production.Isolated.ExecuteAsync(WrittenSince);
        await using var staging = await CopyAsync(production);
        var copy = OnCopyAsync(production, staging);

        var refused = await Assert.ThrowsAsync<MigratorException>(() =>
            verb switch
            {
                "rollback" => copy.RollBackAsync(),
                "rollback --drop-isolated" => copy.RollBackAsync(dropIsolated: true),
                "finalize" => copy.FinalizeAsync(),
                _ => copy.PromoteAsync(),
            }
        );

        Assert.Equal(ExitCode.Refused, refused.Code);
        await MustBeUntouchedAsync(production);
        Assert.Equal("moved", await production.GuardAsync());
        // The rows that finalize would have deleted, and production's way back.
        Assert.Equal(1, await staging.ScalarAsync<long>("SELECT count(*) FROM notes WHERE tenant_id = 1"));
        await production.RollBackAsync();
        Assert.Equal(2, await production.Shared.ScalarAsync<long>("SELECT count(*) FROM notes WHERE tenant_id = 1"));
    }

    [Theory]
    [InlineData(false)]
    [SoakData(true)]
    public async Task A_shared_database_restored_from_before_the_flip_does_not_empty_the_live_one(bool sameDatabase)
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        var yesterday = move.Shared.Name + "_yesterday";
        await CopyAsync(move.Shared.Cluster, move.Shared.Name, yesterday);
        await using var backup = new TestDatabase(move.Shared.Cluster, yesterday, move.Shared.Owner);
        await move.PromoteAsync(validate: false);
        await move.Isolated.ExecuteAsync(WrittenSince);
        if (sameDatabase)
            // What pg_restore --clean leaves: the same database, and no word of the promotion.
            await move.Shared.ExecuteAsync(
                """
                DROP SCHEMA tenant_promotion CASCADE;
                UPDATE tenants SET isolation_mode = 'shared', settings = '{}';
                """
            );
        else
        {
            await move.Shared.DisposeAsync();
            await CopyAsync(move.Shared.Cluster, yesterday, move.Shared.Name);
        }

        // The dry run says it too, and not only what would empty the database.
        var fault = Assert.Single((await move.PreflightAsync()).Faults);
        var refused = await Assert.ThrowsAsync<MigratorException>(() => move.PromoteAsync());

        Assert.Equal(ExitCode.Refused, refused.Code);
        Assert.Contains(fault, refused.Message);
        Assert.Contains(
            sameDatabase ? "says of itself that it is the live database" : "was restored here",
            refused.Message
        );
        await MustBeUntouchedAsync(move);
    }

    [Fact]
    public async Task What_a_rollback_kept_is_used_again_and_dropped_when_asked()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        await move.PromoteAsync(validate: false);
        await move.RollBackAsync();
        await move.PromoteAsync(validate: false);
        await move.Isolated.ExecuteAsync(WrittenSince);
        await move.RollBackAsync(dropIsolated: true);

        Assert.False(await move.IsolatedExistsAsync());
        Assert.Equal(2, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM notes WHERE tenant_id = 1"));
    }

    [Fact]
    public async Task The_doctor_of_a_copy_leaves_productions_slots_alone()
    {
        await using var production = await TenantMove.CreateAsync(servers, Notes, servers.Dedicated);
        await production.PromoteAsync(validate: false);
        await using var staging = await CopyAsync(production);
        // The copy's own promotion ended long ago, as its journal tells.
        await staging.ExecuteAsync("UPDATE tenant_promotion.promotion SET state = 'finalized', ended_at = now()");

        await InjectedFault.RunAsync(OnCopyAsync(production, staging), 0, "doctor", "--fix", "--confirm");

        Assert.Equal(
            1,
            await production.Isolated.ScalarAsync<long>(
                "SELECT count(*) FROM pg_replication_slots WHERE database = current_database()"
            )
        );
    }

    static async Task MustBeUntouchedAsync(TenantMove move)
    {
        Assert.Equal(2, await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM notes"));
        await move.Isolated.ExecuteAsync("INSERT INTO notes (id, tenant_id) VALUES (7000001, 1)");
        await move.Isolated.ExecuteAsync("DELETE FROM notes WHERE id = 7000001");
    }

    static TenantMove OnCopyAsync(TenantMove of, TestDatabase copy) => new(copy, of.Slug, of.Server) { Mode = of.Mode };

    static async Task<TestDatabase> CopyAsync(TenantMove move)
    {
        await CopyAsync(move.Shared.Cluster, move.Shared.Name, move.Shared.Name + "_copy");
        return new(move.Shared.Cluster, move.Shared.Name + "_copy", move.Shared.Owner);
    }

    // A template may have no session, not even an idle one in a pool.
    static async Task CopyAsync(EmbeddedCluster cluster, string from, string to)
    {
        NpgsqlConnection.ClearAllPools();
        await new TestDatabase(cluster, "postgres", EmbeddedCluster.Superuser).ExecuteAsync(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = @from",
            new { from }
        );
        await new TestDatabase(cluster, "postgres", EmbeddedCluster.Superuser).ExecuteAsync(
            $"CREATE DATABASE \"{to}\" TEMPLATE \"{from}\" OWNER \"{Servers.Admin}\""
        );
    }
}
