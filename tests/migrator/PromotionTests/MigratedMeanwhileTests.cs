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
        CREATE FUNCTION inner_rank(n bigint) RETURNS bigint LANGUAGE sql IMMUTABLE RETURN n;
        CREATE FUNCTION rank(n bigint) RETURNS bigint LANGUAGE sql IMMUTABLE RETURN inner_rank(n);
        CREATE TABLE orders (
            id bigserial PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, total amount, note text, feel mood,
            UNIQUE (tenant_id, id));
        CREATE INDEX note_index ON orders (note);
        CREATE TABLE orders_next (LIKE orders);
        CREATE VIEW notes AS SELECT id, note FROM orders;
        CREATE POLICY own ON orders USING (true);
        CREATE TABLE events (id bigint, tenant_id bigint NOT NULL, at date NOT NULL, what text, PRIMARY KEY (id, at))
            PARTITION BY RANGE (at);
        CREATE INDEX ON events (what);
        CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
        CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
        INSERT INTO orders (tenant_id, total, note, feel) SELECT 1 + n % 2, n, 'n' || n, 'calm' FROM generate_series(1, 20) n;
        CREATE TABLE lines (
            id bigserial PRIMARY KEY, tenant_id bigint NOT NULL, order_id bigint REFERENCES orders (id) ON DELETE CASCADE);
        CREATE INDEX ON lines (rank(id));
        CREATE FUNCTION label(l lines) RETURNS text LANGUAGE sql STABLE AS 'SELECT l.id::text';
        INSERT INTO lines (tenant_id, order_id) SELECT tenant_id, id FROM orders;
        INSERT INTO events SELECT n, 1 + n % 2, date '2024-01-01' + n % 59, 'e' FROM generate_series(1, 118) n;
        """;

    static readonly Tenancy Ignoring = new()
    {
        Ignored = [TableName.Parse("staging.old"), TableName.Parse("public.orders_next")],
    };

    const string NewPartition = """
        CREATE TABLE events_3 PARTITION OF events FOR VALUES FROM ('2024-03-01') TO ('2024-04-01');
        INSERT INTO events SELECT 1000 + n, 1 + n % 2, '2024-03-05', 'new' FROM generate_series(1, 20) n;
        """;

    [Theory]
    [SoakData("copy")]
    [SoakData(PhaseName.CatchUp)]
    [SoakData(PhaseName.Verify)]
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
                            UPDATE orders SET note = 'before' WHERE id IN (1, 2);
                            ALTER TABLE orders ADD COLUMN extra text COLLATE "C";
                            CREATE INDEX extra_index ON orders (extra);
                            ALTER TYPE mood ADD VALUE 'brisk' BEFORE 'busy';
                            ALTER TYPE mood ADD VALUE 'late';
                            DO 'BEGIN EXECUTE ''CREATE OR REPLACE FUNCTION price(n integer) RETURNS integer LANGUAGE sql
                                IMMUTABLE BEGIN ATOMIC SELECT 0; SELECT n + 1; END''; END';
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
        Assert.Equal(4, await move.Isolated.ScalarAsync<int>("SELECT two() + price(1)"));
        await move.RollBackAsync();
    }

    [Theory]
    [InlineData("ALTER DOMAIN amount ADD CONSTRAINT small CHECK (VALUE < 1000)", "domain public.amount")]
    [InlineData(
        "CREATE OR REPLACE FUNCTION rank(n bigint) RETURNS bigint LANGUAGE sql IMMUTABLE RETURN -n",
        "function public.rank"
    )]
    [SoakData(
        "CREATE OR REPLACE FUNCTION inner_rank(n bigint) RETURNS bigint LANGUAGE sql IMMUTABLE RETURN -n",
        "function public.inner_rank"
    )]
    [InlineData(
        "DROP FUNCTION price; CREATE FUNCTION price(n integer) RETURNS bigint LANGUAGE sql RETURN n",
        "function public.price"
    )]
    [SoakData("GRANT EXECUTE ON FUNCTION price TO sink_reader", "function public.price")]
    [SoakData("ALTER TABLE events DETACH PARTITION events_2", "public.events_2")]
    [SoakData("ALTER TYPE mood RENAME VALUE 'calm' TO 'quiet'", "enum public.mood")]
    [InlineData("CREATE TABLE parcels (id bigint PRIMARY KEY, tenant_id bigint REFERENCES tenants)", "public.parcels")]
    [InlineData(
        "ALTER TABLE orders RENAME TO x; ALTER TABLE orders_next RENAME TO orders; ALTER TABLE x RENAME TO orders_next",
        "table public.orders is another table"
    )]
    [SoakData("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO sink_reader", "default grant")]
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

    [Theory]
    [InlineData("copy", "ALTER TABLE orders ADD COLUMN n int NOT NULL DEFAULT 3")]
    [SoakData("copy", "ALTER TABLE orders ALTER COLUMN total TYPE text USING total || ' EUR'")]
    [SoakData(PhaseName.CatchUp, "ALTER TABLE orders RENAME note TO remark")]
    [InlineData(PhaseName.Verify, "ALTER TABLE orders DROP COLUMN note CASCADE")]
    [SoakData(PhaseName.Verify, "ALTER TABLE orders ADD COLUMN n serial; COMMENT ON COLUMN orders.n IS 'said'")]
    [InlineData(PhaseName.CutOver, "ALTER TABLE orders ALTER COLUMN total TYPE text USING total || ' EUR'")]
    [SoakData(PhaseName.CutOver, "ALTER TABLE orders ALTER COLUMN note SET DEFAULT 'dflt'")]
    [InlineData(
        PhaseName.CutOver,
        "ALTER TABLE orders ENABLE ROW LEVEL SECURITY; ALTER POLICY own ON orders USING (id > 0)"
    )]
    [SoakData(PhaseName.CutOver, "CREATE UNIQUE INDEX u ON orders (note)")]
    [InlineData(PhaseName.CutOver, "ALTER TABLE orders ADD CHECK (total < 1000), SET (fillfactor = 50)")]
    [SoakData(PhaseName.CutOver, "ALTER TABLE events DROP CONSTRAINT events_pkey, ADD PRIMARY KEY (at, id)")]
    [SoakData(PhaseName.CutOver, "GRANT SELECT ON orders TO sink_reader")]
    [SoakData(PhaseName.CutOver, "CREATE OR REPLACE VIEW notes AS SELECT id, note, total FROM orders")]
    [InlineData(PhaseName.CutOver, "DROP TABLE events_2")]
    [SoakData(
        PhaseName.CutOver,
        "ALTER TABLE lines ADD n text; CREATE INDEX ON lines (n); ALTER TABLE orders ADD n int NOT NULL DEFAULT 3"
    )]
    [InlineData(
        PhaseName.CutOver,
        "ALTER TABLE lines ADD n int NOT NULL DEFAULT 3; "
            + "CREATE OR REPLACE FUNCTION label(l lines) RETURNS text LANGUAGE sql STABLE AS 'SELECT l.id || l.n::text'"
    )]
    public async Task What_concerns_a_table_costs_that_table(string phase, string ddl)
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema, tenancy: Ignoring);
        string? others = null;

        await move.PromoteMeddledAsync(
            phase,
            async () =>
            {
                // Before the DDL, in the form that the rows had then, and after the DDL.
                await move.Shared.ExecuteAsync(
                    "UPDATE orders SET feel = 'busy' WHERE id IN (2, 3); DELETE FROM orders WHERE id = 4"
                );
                others = await move.Isolated.ScalarAsync<string?>(Others(ddl));
                await move.Shared.ExecuteAsync(ddl);
                await move.Shared.ExecuteAsync(
                    "UPDATE orders SET feel = 'busy' WHERE id IN (6, 7); DELETE FROM orders WHERE id = 8"
                );
            }
        );

        var comparer = new DatabaseComparer(move.Shared, move.Isolated);
        Assert.Empty(await comparer.CompareSchemasAsync());
        foreach (var table in (string[])["orders", "lines", "events"])
            Assert.Equal(
                await move.Shared.QueryAsync<string>($"SELECT t::text FROM {table} t WHERE tenant_id = 1 ORDER BY 1"),
                await move.Isolated.QueryAsync<string>($"SELECT t::text FROM {table} t ORDER BY 1")
            );
        Assert.NotNull(others);
        Assert.Equal(others, await move.Isolated.ScalarAsync<string?>(Others(ddl)));
        await move.RollBackAsync();
    }

    // The tables that the DDL does not name, as they were made: each has a number of its own.
    static string Others(string ddl)
    {
        string[] concerned =
            ddl.Contains("events", StringComparison.Ordinal) ? ["events"]
            : ddl.Contains("label", StringComparison.Ordinal) ? ["lines"]
            : ["orders"];
        string[] others = [.. ((string[])["tenants", "orders", "lines", "events"]).Except(concerned)];
        return "SELECT string_agg(oid::text, ',' ORDER BY oid) FROM pg_class "
            + $"WHERE relname IN ('{string.Join("', '", others)}')";
    }

    // VACUUM FULL writes the rows anew and changes none; a conversion to the same type changes all, and no stream tells.
    [Theory]
    [InlineData("VACUUM FULL orders", null)]
    [InlineData("ALTER TABLE orders ALTER COLUMN total TYPE amount USING total * 10", "public.orders")]
    public async Task Rows_that_are_written_anew_are_compared_before_the_flip(string ddl, string? differing)
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema, tenancy: Ignoring);

        var promotion = move.PromoteMeddledAsync(PhaseName.CutOver, () => move.Shared.ExecuteAsync(ddl));
        if (differing is null)
            await promotion;
        else
        {
            var failure = await Assert.ThrowsAsync<MigratorException>(() => promotion);
            Assert.Equal(ExitCode.Different, failure.Code);
            Assert.Contains(differing, failure.Message);
        }

        Assert.Equal(
            differing is null ? "isolated" : "shared",
            await move.Shared.ScalarAsync<string>("SELECT isolation_mode FROM tenants WHERE id = 1")
        );
    }

    static Task<IReadOnlyList<string>> IndexesAsync(TestDatabase database) =>
        database.QueryAsync<string>("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY indexdef");
}
