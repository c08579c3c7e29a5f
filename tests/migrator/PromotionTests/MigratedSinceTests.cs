using Migrator.Embedded;
using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.PromotionTests;

/// <summary>
/// The releases go on between the flip and the end: verify, finalize and rollback take an ordinary migration for what it
/// is, and still notice a row that somebody wrote behind the guard.
/// </summary>
[EveryVersion]
public sealed class MigratedSinceTests(Servers servers)
{
    const string Schema = """
        CREATE TYPE mood AS ENUM ('calm', 'busy');
        CREATE TABLE orders (
            id bigserial PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, amount integer NOT NULL,
            note varchar(20), feel mood, at date NOT NULL DEFAULT '2024-01-01');
        CREATE TABLE lines (id bigint PRIMARY KEY, order_id bigint REFERENCES orders, note text);
        CREATE TABLE events (id bigint, tenant_id bigint NOT NULL, at date NOT NULL, what text, PRIMARY KEY (id, at))
            PARTITION BY RANGE (at);
        CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
        CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
        INSERT INTO orders (tenant_id, amount, note, feel) SELECT 1 + n % 2, n, 'n' || n, 'calm' FROM generate_series(1, 20) n;
        INSERT INTO lines SELECT id, id, 'line' FROM orders;
        INSERT INTO events SELECT n, 1 + n % 2, date '2024-01-01' + n % 59, 'e' FROM generate_series(1, 118) n;
        """;

    // One after the other on one database: each is a release, and the checks run after each.
    static readonly string[] Releases =
    [
        "ALTER TABLE orders ADD COLUMN w int NOT NULL DEFAULT 7",
        "ALTER TABLE orders ADD COLUMN r float8 NOT NULL DEFAULT random()",
        "ALTER TABLE orders RENAME COLUMN note TO remark",
        "ALTER TABLE orders ALTER COLUMN amount TYPE bigint",
        "ALTER TABLE orders ALTER COLUMN amount TYPE text",
        "ALTER TABLE orders ALTER COLUMN remark TYPE text",
        "ALTER TABLE orders ALTER COLUMN at TYPE timestamptz",
        "ALTER TYPE mood ADD VALUE 'late'; ALTER TYPE mood RENAME VALUE 'calm' TO 'quiet'",
        "ALTER TABLE lines DROP COLUMN note",
        "CREATE TABLE invoices (id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants)",
        "CREATE TABLE totals AS SELECT tenant_id, count(*) AS orders FROM orders GROUP BY tenant_id",
        "CREATE TABLE events_3 PARTITION OF events FOR VALUES FROM ('2024-03-01') TO ('2024-04-01')",
        "ALTER TABLE events_2 RENAME TO events_february",
        "ALTER TABLE events DETACH PARTITION events_february",
        "ALTER TABLE events ATTACH PARTITION events_february FOR VALUES FROM ('2024-02-01') TO ('2024-03-01')",
        "DROP TABLE events_1",
        "ALTER TABLE events DROP COLUMN what, ADD COLUMN more float8 DEFAULT random()",
    ];

    static string Switch(string how) =>
        $"""
            DO $do$ DECLARE t regclass; BEGIN
                FOR t IN SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') LOOP
                    EXECUTE format('ALTER TABLE %s {how} TRIGGER USER', t);
                END LOOP;
            END $do$;
            """;

    [Theory]
    [InlineData(PromotionOptions.Online, true)]
    [SoakData(PromotionOptions.Online, false)]
    [SoakData(PromotionOptions.Fenced, true)]
    [InlineData(PromotionOptions.Fenced, false)]
    public async Task Verify_and_finalize_go_on_after_each_migration(string mode, bool both)
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        move.Mode = mode;
        await move.PromoteAsync(validate: false);
        foreach (var release in Releases)
        {
            await move.Shared.ExecuteAsync(release);
            if (both)
                await move.Isolated.ExecuteAsync(release);
            if (release.Contains("ATTACH", StringComparison.Ordinal))
                await InjectedFault.RunAsync(move, (int)ExitCode.Done, "verify", "--tenant-slug", move.Slug);
        }
        await InjectedFault.RunAsync(move, (int)ExitCode.Done, "verify", "--tenant-slug", move.Slug);

        await move.FinalizeAsync();

        Assert.Equal(0, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM orders WHERE tenant_id = 1"));
        Assert.Equal(10, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM orders WHERE tenant_id = 2"));
        Assert.Equal(10, await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM orders"));
    }

    // The rows are young, so that only their recorded columns can tell that they are those of the flip.
    public static TheoryData<string, string, string> Disguises =>
        new()
        {
            {
                "ALTER TABLE orders RENAME COLUMN note TO remark; ALTER TABLE orders ADD COLUMN note varchar(20) DEFAULT 'new'",
                $"{Switch("DISABLE")} UPDATE orders SET note = 'filled'; {Switch("ENABLE")}",
                ""
            },
            {
                "ALTER TABLE orders ADD COLUMN more text",
                $"{Switch("DISABLE")} UPDATE orders SET more = 'filled'; {Switch("ENABLE")}",
                ""
            },
            {
                "CREATE TABLE traces_anew (what text, more int DEFAULT 1, tenant_id bigint, id bigint)",
                "INSERT INTO traces_anew (id, tenant_id, what) SELECT id, tenant_id, what FROM traces",
                "DROP TABLE traces; ALTER TABLE traces_anew RENAME TO traces"
            },
        };

    [Theory]
    [MemberData(nameof(Disguises))]
    public async Task Recorded_columns_are_found_under_another_name_and_in_another_place(
        string release,
        string backfill,
        string end
    )
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            Schema
                + """
                CREATE TABLE traces (id bigint, tenant_id bigint, what text);
                INSERT INTO traces SELECT n, 1 + n % 2, 't' || n FROM generate_series(1, 20) n;
                ALTER TABLE orders ADD COLUMN gone text, ADD COLUMN last text;
                UPDATE orders SET last = 'last' || id;
                ALTER TABLE orders DROP COLUMN gone;
                """
        );
        move.Mode = PromotionOptions.Fenced;
        await move.PromoteAsync(validate: false);
        await move.Shared.ExecuteAsync(release);
        await move.Shared.ExecuteAsync(backfill, role: EmbeddedCluster.Superuser);
        await move.Shared.ExecuteAsync(end + ";");

        await InjectedFault.RunAsync(move, (int)ExitCode.Done, "verify", "--tenant-slug", move.Slug);
    }

    [Theory]
    [SoakData(
        "ALTER TABLE orders ADD COLUMN w int NOT NULL DEFAULT 7",
        "INSERT INTO orders (tenant_id, amount) VALUES (1, 5)"
    )]
    [InlineData("ALTER TABLE orders RENAME COLUMN note TO remark", "UPDATE orders SET remark = 'x' WHERE id = 2")]
    [SoakData("ALTER TABLE orders DROP COLUMN note", "UPDATE orders SET amount = amount WHERE id = 2")]
    [InlineData(
        "ALTER TABLE orders DROP COLUMN note",
        "DELETE FROM lines WHERE id = 2; DELETE FROM orders WHERE id = 2"
    )]
    [SoakData("ALTER TABLE orders ALTER COLUMN amount TYPE bigint", "UPDATE orders SET amount = -1 WHERE id = 2")]
    [InlineData("DROP TABLE events_1", "DELETE FROM events WHERE at >= '2024-02-01' AND tenant_id = 1")]
    [SoakData("DROP TABLE events_1", "INSERT INTO events VALUES (900, 1, '2024-02-02')")]
    [InlineData(
        "CREATE TABLE invoices (id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants)",
        "INSERT INTO invoices VALUES (1, 1)"
    )]
    public async Task A_row_written_behind_the_guard_is_noticed_after_a_migration_too(string release, string written)
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        move.Mode = PromotionOptions.Fenced;
        await move.PromoteAsync(validate: false);
        await move.Shared.ExecuteAsync(release);
        await move.Isolated.ExecuteAsync(release);
        await move.Shared.ExecuteAsync(
            $"{Switch("DISABLE")}{written};{Switch("ENABLE")}",
            role: EmbeddedCluster.Superuser
        );
        var (code, _, error) = await InjectedFault.SayAsync(move, "verify", "--tenant-slug", move.Slug);

        Assert.Equal((int)ExitCode.Different, code);
        Assert.Contains("has changed since it was verified", error);
        var refused = await Assert.ThrowsAsync<MigratorException>(() => move.FinalizeAsync());
        Assert.Equal(ExitCode.Different, refused.Code);
        refused = await Assert.ThrowsAsync<MigratorException>(() => move.RollBackAsync());
        Assert.Equal(ExitCode.Different, refused.Code);
    }

    const string Release = """
        ALTER TABLE orders ADD COLUMN w int NOT NULL DEFAULT 7;
        ALTER TABLE orders ADD COLUMN twice bigint GENERATED ALWAYS AS (amount * 2) STORED;
        CREATE TABLE invoices (id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants);
        CREATE TABLE events_3 PARTITION OF events FOR VALUES FROM ('2024-03-01') TO ('2024-04-01');
        DROP TABLE events_1;
        """;

    [Theory]
    [InlineData(PromotionOptions.Online, true)]
    [SoakData(PromotionOptions.Online, false)]
    [SoakData(PromotionOptions.Fenced, true)]
    [InlineData(PromotionOptions.Fenced, false)]
    public async Task A_rollback_brings_the_rows_into_a_shared_schema_that_has_moved_on(string mode, bool both)
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        move.Mode = mode;
        await move.PromoteAsync(validate: false);
        await move.Isolated.ExecuteAsync(
            "INSERT INTO orders (tenant_id, amount) VALUES (1, 99); UPDATE orders SET note = 'late' WHERE id = 2"
        );
        await move.Shared.ExecuteAsync(Release);
        await move.Isolated.ExecuteAsync(both ? Release : "DELETE FROM events WHERE at < '2024-02-01'");
        await move.Isolated.ExecuteAsync("UPDATE orders SET amount = 44 WHERE id = 4");

        await move.RollBackAsync();

        Assert.Equal(
            both ? 0 : 1,
            move.Watched.Warnings.Count(said => said.Contains("orders.w", StringComparison.Ordinal))
        );
        Assert.Equal(
            "late 2 7|n4 44 7|- 99 7",
            await move.Shared.ScalarAsync<string>(
                """
                SELECT string_agg(coalesce(note, '-') || ' ' || amount || ' ' || w, '|' ORDER BY id)
                FROM orders WHERE tenant_id = 1 AND amount IN (2, 44, 99)
                """
            )
        );
        await AssertSameAsync(
            move,
            "lines t WHERE EXISTS (SELECT FROM orders o WHERE o.id = t.order_id AND o.tenant_id = 1)"
        );
        await AssertSameAsync(move, "events t WHERE tenant_id = 1");
    }

    static async Task AssertSameAsync(TenantMove move, string rows) =>
        Assert.Equal(
            await move.Isolated.QueryAsync<string>($"SELECT t::text FROM {rows} ORDER BY 1"),
            await move.Shared.QueryAsync<string>($"SELECT t::text FROM {rows} ORDER BY 1")
        );

    [Fact]
    public async Task Rows_without_a_partition_in_the_shared_database_stop_a_rollback_before_it_writes()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        await move.PromoteAsync(validate: false);
        await move.Shared.ExecuteAsync("DROP TABLE events_1");
        await move.Isolated.ExecuteAsync(
            "CREATE TABLE events_3 PARTITION OF events FOR VALUES FROM ('2024-03-01') TO ('2024-04-01')"
        );

        await move.Isolated.ExecuteAsync("DELETE FROM events WHERE at < '2024-02-01'");
        await move.Isolated.ExecuteAsync("INSERT INTO events VALUES (900, 1, '2024-03-05', 'e')");
        var refused = await Assert.ThrowsAsync<MigratorException>(() => move.RollBackAsync());

        Assert.Contains("public.events has no partition for 1 rows", refused.Message);
        await move.Shared.ExecuteAsync(
            "CREATE TABLE events_9 PARTITION OF events FOR VALUES FROM ('2024-03-01') TO ('2024-06-01')"
        );
        await move.RollBackAsync();
        Assert.Equal(1, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM events WHERE id = 900"));
    }
}
