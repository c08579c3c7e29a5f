using Migrator.Model;
using Migrator.Settings;
using Migrator.Tests.Support;

namespace Migrator.Tests.PromotionTests;

/// <summary>
/// DDL in the shared database while a tenant moves: what does the tenant no harm is in the isolated database afterwards or
/// does not matter there, and anything else stops the promotion before the flip, by name.
/// </summary>
[EveryVersion]
public sealed class MigratedMeanwhileTests(Servers servers)
{
    const string Schema = """
        CREATE SCHEMA staging;
        CREATE TABLE staging.old AS SELECT 1 AS a;
        CREATE TYPE mood AS ENUM ('calm', 'busy');
        CREATE DOMAIN amount AS integer;
        CREATE FUNCTION price(n integer) RETURNS integer LANGUAGE sql IMMUTABLE RETURN n;
        CREATE TABLE orders (
            id bigserial PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, total amount, note text, feel mood,
            UNIQUE (tenant_id, id));
        CREATE INDEX note_index ON orders (note);
        CREATE VIEW notes AS SELECT id, note FROM orders;
        CREATE POLICY own ON orders USING (true);
        CREATE TABLE events (id bigint, tenant_id bigint NOT NULL, at date NOT NULL, what text, PRIMARY KEY (id, at))
            PARTITION BY RANGE (at);
        CREATE INDEX ON events (what);
        CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
        CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
        INSERT INTO orders (tenant_id, total, note, feel) SELECT 1 + n % 2, n, 'n' || n, 'calm' FROM generate_series(1, 20) n;
        INSERT INTO events SELECT n, 1 + n % 2, date '2024-01-01' + n % 59, 'e' FROM generate_series(1, 118) n;
        """;

    static readonly Tenancy Ignoring = new() { Ignored = [TableName.Parse("staging.old")] };

    const string NewPartition = """
        CREATE TABLE events_3 PARTITION OF events FOR VALUES FROM ('2024-03-01') TO ('2024-04-01');
        INSERT INTO events SELECT 1000 + n, 1 + n % 2, '2024-03-05', 'new' FROM generate_series(1, 20) n;
        """;

    [Theory]
    [InlineData("copy")]
    [InlineData(PhaseName.CatchUp)]
    [InlineData(PhaseName.Verify)]
    [InlineData(PhaseName.CutOver)]
    public async Task What_does_no_harm_is_followed(string phase)
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema, tenancy: Ignoring);
        await move.PromoteMeddledAsync(
            phase,
            () =>
                move
                    .Shared.ExecuteAsync(
                        NewPartition
                            + """
                            ALTER TABLE orders ADD COLUMN extra text COLLATE "C";
                            CREATE INDEX extra_index ON orders (extra);
                            ALTER TYPE mood ADD VALUE 'brisk' BEFORE 'busy';
                            ALTER TYPE mood ADD VALUE 'late';
                            CREATE FUNCTION two() RETURNS integer LANGUAGE sql AS 'SELECT 2';
                            CREATE TABLE staging.report AS SELECT count(*) FROM orders;
                            DROP TABLE staging.old;
                            """
                    )
                    .ContinueWith(
                        _ =>
                            move.Shared.ExecuteAsync(
                                "UPDATE orders SET extra = 'x', feel = 'late' WHERE id <= 4; DROP INDEX note_index"
                            ),
                        TaskScheduler.Default
                    )
                    .Unwrap()
        );

        Assert.Equal(
            "isolated",
            await move.Shared.ScalarAsync<string>("SELECT isolation_mode FROM tenants WHERE id = 1")
        );
        Assert.Equal(
            2,
            await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM orders WHERE extra = 'x' AND feel = 'late'")
        );
        Assert.Equal(10, await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM events_3"));
        Assert.Equal(
            "calm,brisk,busy,late",
            await move.Isolated.ScalarAsync<string>("SELECT array_to_string(enum_range(NULL::mood), ',')")
        );
        Assert.Equal(
            await IndexesAsync(move.Shared),
            (await IndexesAsync(move.Isolated)).Where(line => !line.Contains("note_index"))
        );
        Assert.Equal(2, await move.Isolated.ScalarAsync<int>("SELECT two()"));
        await move.RollBackAsync();
    }

    [Theory]
    [InlineData("ALTER TABLE orders ALTER COLUMN note SET DEFAULT 'dflt'", "column public.orders.note")]
    [InlineData("ALTER TABLE orders ADD COLUMN n int NOT NULL DEFAULT 3", "column public.orders.n")]
    [InlineData("ALTER TABLE orders RENAME note TO remark", "column public.orders.remark")]
    [InlineData("ALTER TABLE orders DROP COLUMN note CASCADE", "column public.orders.note")]
    [InlineData("ALTER DOMAIN amount ADD CONSTRAINT small CHECK (VALUE < 1000)", "domain public.amount")]
    [InlineData("ALTER TABLE orders ENABLE ROW LEVEL SECURITY", "relation public.orders")]
    [InlineData("ALTER POLICY own ON orders USING (id > 0)", "policy public.orders.own")]
    [InlineData(
        "CREATE OR REPLACE FUNCTION price(n integer) RETURNS integer LANGUAGE sql IMMUTABLE RETURN n + 1",
        "function public.price"
    )]
    [InlineData("CREATE OR REPLACE VIEW notes AS SELECT id, note, total FROM orders", "relation public.notes")]
    [InlineData("GRANT SELECT ON orders TO sink_reader", "grant public.orders")]
    [InlineData("ALTER TABLE events DETACH PARTITION events_2", "public.events_2")]
    [InlineData("DROP TABLE events_2", "public.events_2")]
    [InlineData("ALTER TYPE mood RENAME VALUE 'calm' TO 'quiet'", "enum public.mood")]
    [InlineData("CREATE UNIQUE INDEX u ON orders (note)", "unique index public.orders.u")]
    [InlineData("ALTER TABLE orders ADD CHECK (total < 1000)", "constraint public.orders")]
    [InlineData("CREATE TABLE parcels (id bigint PRIMARY KEY, tenant_id bigint REFERENCES tenants)", "public.parcels")]
    [InlineData("ALTER TABLE orders SET (fillfactor = 50)", "relation public.orders")]
    [InlineData("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO sink_reader", "default grant")]
    [InlineData("CREATE COLLATION german (locale = 'C'); COMMENT ON TABLE orders IS 'said'", "pg_dump")]
    public async Task What_would_be_missing_stops_before_the_flip_and_is_named(string ddl, string named)
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema, tenancy: Ignoring);

        var stopped = await Assert.ThrowsAsync<MigratorException>(() =>
            move.PromoteMeddledAsync(PhaseName.CutOver, () => move.Shared.ExecuteAsync(ddl))
        );

        Assert.Equal(ExitCode.Failed, stopped.Code);
        Assert.Contains(named, stopped.Message);
        Assert.Equal("open", await move.GuardAsync());
        Assert.Equal(
            "shared",
            await move.Shared.ScalarAsync<string>("SELECT isolation_mode FROM tenants WHERE id = 1")
        );
    }

    static Task<IReadOnlyList<string>> IndexesAsync(TestDatabase database) =>
        database.QueryAsync<string>("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY indexdef");
}
