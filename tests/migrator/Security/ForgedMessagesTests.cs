using Migrator.Embedded;
using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.Security;

/// <summary>Any login may write messages into the log (pg_logical_emit_message is PUBLIC's), and none of them is believed.</summary>
public sealed class ForgedMessagesTests(Servers servers)
{
    const string Forge = """
        SELECT pg_logical_emit_message(transactional, prefix, content)
        FROM unnest(ARRAY[true, false]) transactional,
             unnest(ARRAY['tenant_promotion_moved', 'tenant_promotion_mark']) prefix,
             unnest(ARRAY['garbage', '', '{}', '[]', 'null', repeat('0', 64) || '{}', repeat('x', 100000),
                 '{"tenant": "1", "schema": "public", "table": "items", "old": ["not a number"], "new": ["1"]}',
                 '{"tenant": "1", "schema": "public", "table": "items", "old": ["1"], "new": [null]}',
                 '{"tenant": "1", "schema": "public", "table": "items", "old": [], "new": []}',
                 '{"tenant": "1", "schema": "public", "table": "items", "old": ["2"], "new": ["2"]}']) content
        """;

    [Fact]
    public async Task A_login_that_forges_messages_stops_neither_the_promotion_nor_the_way_back()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            "CREATE TABLE items (id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, note text);"
                + "INSERT INTO items SELECT n, 1 + n % 2, 'note' FROM generate_series(1, 20) n"
        );
        var stranger = Servers.NewName("stranger");
        await move.Shared.Cluster.CreateRoleAsync(stranger, "LOGIN");

        await move.PromoteMeddledAsync(PhaseName.BuildSchema, () => move.Shared.ExecuteAsync(Forge, role: stranger));
        Assert.Equal(10, await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM items"));

        await move.Isolated.ExecuteAsync("INSERT INTO items VALUES (100, 1, 'new')");
        await move.Isolated.ExecuteAsync(Forge, role: EmbeddedCluster.Superuser);
        await move.RollBackAsync();

        Assert.False(move.Watched.HasWarned("compares all rows instead"));
        Assert.Equal(21, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM items"));
    }
}
