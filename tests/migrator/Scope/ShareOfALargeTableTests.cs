using Migrator.Tests.Support;

namespace Migrator.Tests.Scope;

/// <summary>What others own in a table costs nothing.</summary>
public sealed class ShareOfALargeTableTests(Servers servers)
{
    [Fact]
    public async Task A_tenant_with_one_percent_of_a_large_table_is_moved_without_reading_the_rest()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            """
            CREATE TABLE events (
                id bigint PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, payload text NOT NULL);
            INSERT INTO events SELECT n, CASE WHEN n <= 3000 THEN 1 ELSE 2 END, repeat('x', 100)
                FROM generate_series(1, 300000) n;
            CREATE INDEX ON events (tenant_id);
            """
        );
        await move.Shared.ExecuteAsync("VACUUM (ANALYZE) events");
        var before = await CountersAsync(move.Shared);

        await move.PromoteAsync();

        var after = await CountersAsync(move.Shared);
        Assert.Equal(3000, await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM events"));
        Assert.Equal(before.Scanned, after.Scanned);
        // Copy, digests of verification and validation, baseline: each reads the tenant's blocks, a hundredth of the
        // table's.
        Assert.True(
            after.Blocks - before.Blocks < before.Size / 5,
            $"{after.Blocks - before.Blocks} blocks of {before.Size} were read"
        );
    }

    static async Task<(long Scanned, long Blocks, long Size)> CountersAsync(TestDatabase database)
    {
        // What a session has counted is seen by others when it ends at the latest.
        Npgsql.NpgsqlConnection.ClearPool(new(database.ConnectionString()));
        await Waiting.UntilAsync(
            database,
            """
            SELECT NOT EXISTS (
                SELECT FROM pg_stat_activity
                WHERE backend_type = 'client backend' AND datname = current_database() AND pid <> pg_backend_pid())
            """
        );
        return (
            await database.ScalarAsync<long>("SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'events'"),
            await database.ScalarAsync<long>(
                "SELECT heap_blks_read + heap_blks_hit FROM pg_statio_user_tables WHERE relname = 'events'"
            ),
            await database.ScalarAsync<long>("SELECT pg_relation_size('events') / 8192")
        );
    }
}
