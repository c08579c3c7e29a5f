using Migrator.Tests.Support;

namespace Migrator.Tests.Properties;

/// <summary>A tenant pays for its own rows.</summary>
public sealed class CostTests(Servers servers)
{
    const int Own = 2_000;

    [Fact]
    public async Task A_tenant_that_owns_one_percent_of_a_table_is_not_charged_for_the_rest()
    {
        await using var database = await servers.NewDatabaseAsync(prefix: "cost");
        var slug = database.Name.Replace('_', '-');
        await database.ExecuteAsync(
            $"""
            CREATE TABLE tenants (
                id int PRIMARY KEY, slug text NOT NULL, plan text, status text, isolation_mode text NOT NULL DEFAULT 'shared', settings jsonb);
            INSERT INTO tenants (id, slug) VALUES (1, '{slug}'), (2, '{slug}-other');
            CREATE TABLE big (id bigint PRIMARY KEY, tenant_id int NOT NULL REFERENCES tenants, body text NOT NULL);
            INSERT INTO big SELECT n, CASE WHEN n % 100 = 0 THEN 1 ELSE 2 END, repeat('x', 100) FROM generate_series(1, {100 * Own}) n;
            CREATE INDEX ON big (tenant_id);
            CREATE TABLE small (id bigint PRIMARY KEY, big_id bigint NOT NULL REFERENCES big, body text NOT NULL);
            INSERT INTO small SELECT id, id, body FROM big;
            CREATE INDEX ON small (big_id);
            """);
        await database.ExecuteAsync("VACUUM ANALYZE");
        await using var move = new Move(database, slug, new());
        await database.ExecuteAsync("SELECT pg_stat_force_next_flush(); SELECT pg_stat_reset()");

        await move.PromoteAsync();

        Assert.Equal(Own, await move.Isolated.ScalarAsync<int>("SELECT count(*) FROM small"));
        // Sessions hand their counts over when they end.
        await Crashes.Workshop.UntilAsync(database, "SELECT coalesce(sum(idx_scan), 0) > 0 FROM pg_stat_user_tables WHERE relname = 'big'");
        foreach (var table in (string[])["big", "small"])
        {
            var read = await database.ScalarAsync<long>("SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_user_tables WHERE relname = @table", new { table });
            // Preflight, copy and two digests read it; each a few times, none the whole.
            Assert.InRange(read, Own, 20 * Own);
        }
    }
}
