using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.Copying;

/// <summary>A table whose rows move to other blocks while it is copied by ranges of blocks.</summary>
public sealed class RewrittenTableTests(Servers servers)
{
    [Fact]
    public async Task Cluster_waits_for_the_parts_of_a_copy_and_every_row_arrives_once()
    {
        // One row a page: large enough for parts, and quickly made. Each row lies somewhere else afterwards.
        await using var move = await TenantMove.CreateAsync(
            servers,
            """
            CREATE TABLE events (
                id bigint PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, shuffled uuid, payload text NOT NULL)
                WITH (fillfactor = 10);
            INSERT INTO events SELECT n, 1, md5(n::text)::uuid, repeat('x', 700) FROM generate_series(1, 17000) n;
            CREATE INDEX by_chance ON events (shuffled);
            """
        );
        await move.Shared.ExecuteAsync("ANALYZE events");
        move.Mode = PromotionOptions.Fenced;
        // Slow enough to have all of its parts but the first two ahead.
        var promotion = move.PromoteAsync(move.Options() with { MaxRate = 4_000_000 });
        await Waiting.UntilAsync(
            move.Shared,
            """
            SELECT EXISTS (SELECT FROM pg_stat_activity
                           WHERE application_name LIKE 'tp/%' AND datname = current_database() AND query LIKE 'COPY%"events"%')
            """
        );

        await move.Shared.ExecuteAsync("CLUSTER events USING by_chance");

        await promotion;
        Assert.Equal(17000, await move.Isolated.ScalarAsync<long>("SELECT count(DISTINCT id) FROM events"));
    }

    [Theory]
    [InlineData(PromotionOptions.Online)]
    [SoakData(PromotionOptions.Fenced)]
    public async Task Columns_that_travel_as_text_arrive(string mode)
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            """
            CREATE TABLE watched (id int PRIMARY KEY, tenant_id bigint NOT NULL, what regclass, note text);
            INSERT INTO watched SELECT n, 1 + n % 2, 'tenants', E'a\nb\\' || n FROM generate_series(1, 20) n;
            """
        );
        move.Mode = mode;

        await move.PromoteAsync();

        Assert.Equal(
            await move.Shared.QueryAsync<string>("SELECT w::text FROM watched w WHERE tenant_id = 1 ORDER BY id"),
            await move.Isolated.QueryAsync<string>("SELECT w::text FROM watched w ORDER BY id")
        );
        await move.RollBackAsync();
    }
}
