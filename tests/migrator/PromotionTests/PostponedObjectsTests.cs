using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.PromotionTests;

/// <summary>
/// What pg_dump puts after the indexes because it needs one: restored too early it fails, left out it is an empty
/// shell.
/// </summary>
[EveryVersion]
public sealed class PostponedObjectsTests(Servers servers)
{
    // What pg_dump postpones until the primary key is there, and what hangs from that.
    const string Schema = """
        CREATE SCHEMA "two words";
        CREATE TABLE "two words".notes (id integer PRIMARY KEY, tenant_id bigint NOT NULL, body text);
        CREATE TABLE remarks (id integer PRIMARY KEY, note_id integer NOT NULL REFERENCES "two words".notes);
        CREATE INDEX notes_body ON "two words".notes (body);
        COMMENT ON INDEX "two words".notes_body IS 'in a schema of two words';
        CREATE VIEW counted AS SELECT n.id, n.tenant_id, n.body, count(r.id) AS remarks
            FROM "two words".notes n LEFT JOIN remarks r ON r.note_id = n.id GROUP BY n.id;
        CREATE MATERIALIZED VIEW kept AS SELECT n.id, n.tenant_id, n.body, count(r.id) AS remarks
            FROM "two words".notes n LEFT JOIN remarks r ON r.note_id = n.id GROUP BY n.id;
        CREATE UNIQUE INDEX kept_id ON kept (id);
        CREATE MATERIALIZED VIEW kept_twice AS SELECT id, tenant_id, remarks * 2 AS remarks FROM kept;
        CREATE FUNCTION most() RETURNS text LANGUAGE sql STABLE
            RETURN (SELECT n.body FROM "two words".notes n LEFT JOIN remarks r ON r.note_id = n.id GROUP BY n.id
                ORDER BY count(r.id) DESC, n.body LIMIT 1);
        COMMENT ON MATERIALIZED VIEW kept IS 'kept';
        COMMENT ON FUNCTION most() IS 'most';
        GRANT SELECT ON counted, kept TO application_role;
        REVOKE EXECUTE ON FUNCTION most() FROM PUBLIC;
        ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO application_role;
        INSERT INTO "two words".notes SELECT n, 1 + n % 2, 'body ' || n FROM generate_series(1, 6) n;
        INSERT INTO remarks SELECT n, n FROM generate_series(1, 4) n;
        REFRESH MATERIALIZED VIEW kept;
        REFRESH MATERIALIZED VIEW kept_twice;
        """;

    [Fact]
    public async Task Views_and_functions_that_group_by_a_primary_key_arrive_filled_with_grants_comments_and_indexes()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);

        // Stopped after these objects were made: made again they must not collide with themselves.
        await move.PromoteAsync(stopBefore: PhaseName.Verify);
        await move.PromoteAsync();

        var comparer = new DatabaseComparer(move.Shared, move.Isolated);
        Assert.Empty(await comparer.CompareSchemasAsync());
        foreach (var view in (string[])["counted", "kept"])
            Assert.Equal(
                await move.Shared.QueryAsync<string>($"SELECT v::text FROM {view} v WHERE tenant_id = 1 ORDER BY id"),
                await move.Isolated.QueryAsync<string>($"SELECT v::text FROM {view} v ORDER BY id")
            );
        Assert.Equal(3, await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM kept_twice"));
        Assert.Equal("body 2", await move.Isolated.ScalarAsync<string>("SELECT most()"));
    }
}
