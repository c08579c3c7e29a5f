using System.Text.Json.Nodes;
using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.PromotionTests;

/// <summary>What PostgreSQL 17 and 18 brought goes to the isolated database and comes home.</summary>
public sealed class NewerVersionsTests(Servers servers)
{
    public static TheoryData<string, string> Ways =>
        new()
        {
            { PromotionOptions.Online, PhaseName.CopyData },
            { PromotionOptions.Online, PhaseName.CatchUp },
            { PromotionOptions.Online, PhaseName.Verify },
            { PromotionOptions.Online, PhaseName.CutOver },
            { PromotionOptions.Fenced, PhaseName.InstallGuard },
        };

    [Theory]
    [SinceVersion(18)]
    [MemberData(nameof(Ways))]
    public async Task Keys_without_overlaps_find_their_rows(string mode, string phase) =>
        await ThereAndBackAsync(
            mode,
            phase,
            NewerTables.Temporal,
            NewerTables.Changes,
            ("contracts", "t.tenant_id = 1"),
            ("terms", "EXISTS (SELECT FROM contracts c WHERE c.id = t.contract_id AND c.tenant_id = 1)")
        );

    [Theory]
    [SinceVersion(18)]
    [MemberData(nameof(Ways))]
    public async Task Constraints_of_every_kind_and_virtual_columns_arrive(string mode, string phase) =>
        await ThereAndBackAsync(
            mode,
            phase,
            NewerTables.Rest,
            NewerTables.RestChanges,
            ("items", "t.tenant_id = 1"),
            ("notes", "t.tenant_id = 1"),
            ("late", "t.tenant_id = 1")
        );

    [Fact]
    [SinceVersion(18)]
    public async Task Rows_of_a_reference_that_nothing_enforces_are_copied_and_not_followed()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            """
            CREATE TABLE items (id bigint PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants);
            CREATE TABLE lines (id bigint PRIMARY KEY, item_id bigint NOT NULL REFERENCES items NOT ENFORCED);
            INSERT INTO items SELECT n, 1 + n % 2 FROM generate_series(1, 20) n;
            INSERT INTO lines SELECT n, n FROM generate_series(1, 30) n;
            """
        );
        Assert.Contains((await move.PreflightAsync()).Faults, fault => fault.Contains("cannot follow public.lines"));
        move.Mode = PromotionOptions.Fenced;
        Assert.Contains(
            (await move.PreflightAsync()).Warnings,
            warning => warning.Contains("10 rows have no such row")
        );

        await move.PromoteAsync(validate: false);

        Assert.Equal(10, await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM lines"));
    }

    [Fact]
    [SinceVersion(18)]
    public async Task A_not_null_that_is_not_valid_promises_nothing_of_older_rows()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            """
            CREATE TABLE items (id bigint PRIMARY KEY, tenant_id bigint REFERENCES tenants, code text);
            CREATE TABLE codes (tenant_id bigint NOT NULL REFERENCES tenants, code text UNIQUE);
            INSERT INTO items VALUES (1, 1), (2, 2), (3, NULL);
            INSERT INTO codes VALUES (1, 'a'), (1, NULL), (1, NULL), (2, 'b');
            ALTER TABLE items ADD NOT NULL tenant_id NOT VALID;
            ALTER TABLE codes ADD NOT NULL code NOT VALID;
            """
        );

        var warnings = (await move.PreflightAsync()).Warnings;
        Assert.Contains(warnings, warning => warning.Contains("items has 1 rows that belong to no tenant"));
        Assert.Contains(warnings, warning => warning.Contains("public.codes has no key"));
        move.Mode = PromotionOptions.Fenced;
        await move.PromoteAsync(validate: false);

        Assert.Equal(3, await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM codes"));
        Assert.Equal(1, await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM items"));
    }

    [Fact]
    [SinceVersion(18)]
    public async Task A_period_may_not_lead_into_another_tenant()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            NewerTables.Temporal
                + """
                INSERT INTO contracts VALUES (900, '[2024-01-01,2024-02-01)', 1), (900, '[2024-02-01,2024-03-01)', 2);
                INSERT INTO terms VALUES (900, '[2024-01-15,2024-02-15)', 'over two tenants');
                """
        );

        Assert.Contains(
            (await move.PreflightAsync()).Faults,
            fault => fault.Contains("terms_contract_id_valid_at_fkey")
        );
    }

    [Fact]
    [SinceVersion(17)]
    public async Task The_streams_slots_may_be_taken_over_by_a_standby()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            "CREATE TABLE items (id bigint PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants)",
            servers.Dedicated
        );
        async Task<JsonObject> StreamAsync() =>
            (await InjectedFault.RunAsync(move, 0, "status", $"--tenant-slug={move.Slug}"))["stream"]!.AsObject();

        await move.PromoteAsync(stopBefore: PhaseName.Verify);
        var forward = await StreamAsync();
        await move.PromoteAsync(validate: false);
        var reverse = await StreamAsync();

        Assert.True((bool)forward["failover"]!);
        Assert.False((bool)forward["synced"]!);
        Assert.True((bool)reverse["failover"]!);
        Assert.NotEqual((string)forward["slot"]!, (string)reverse["slot"]!);
    }

    [Fact]
    [SinceVersion(17)]
    public async Task An_identity_of_a_partitioned_table_counts_on_in_both_databases()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            """
            CREATE TABLE events (
                id bigint GENERATED ALWAYS AS IDENTITY, tenant_id bigint NOT NULL REFERENCES tenants, at date NOT NULL,
                PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
            CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
            CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
            INSERT INTO events (tenant_id, at)
            SELECT 1 + n % 2, date '2024-01-01' + n * 10 FROM generate_series(1, 50) n;
            """,
            servers.Dedicated
        );
        const string insert = "INSERT INTO events_2025 (tenant_id, at) VALUES ({0}, '2025-05-05') RETURNING id";

        await move.PromoteAsync(validate: false);

        Assert.Empty(await new DatabaseComparer(move.Shared, move.Isolated).CompareSchemasAsync());
        var there = await move.Isolated.ScalarAsync<long>(string.Format(insert, TenantMove.Acme));
        var here = await move.Shared.ScalarAsync<long>(string.Format(insert, TenantMove.Bolt));
        Assert.Equal(51, here);
        Assert.True(there - here > 100_000_000, $"{here} and {there} may meet soon");

        await move.RollBackAsync();
        Assert.Equal(
            1,
            await move.Shared.ScalarAsync<long>("SELECT count(*) FROM events WHERE id = @there", new { there })
        );
    }

    async Task ThereAndBackAsync(
        string mode,
        string phase,
        string schema,
        string changes,
        params (string Table, string Ours)[] tables
    )
    {
        await using var move = await TenantMove.CreateAsync(servers, schema, servers.Dedicated);
        move.Mode = mode;
        await move.PromoteMeddledAsync(
            phase,
            () => move.Shared.ExecuteAsync(string.Format(changes, 21, TenantMove.Acme)),
            move.Options(validate: true)
        );

        Assert.DoesNotContain(move.Watched.Checks, check => check.Outcome == CheckOutcome.Failed);
        Assert.Empty(await new DatabaseComparer(move.Shared, move.Isolated).CompareSchemasAsync());
        await AssertSameAsync();

        await move.Isolated.ExecuteAsync(string.Format(changes, 22, TenantMove.Acme));
        var theirs = await RowsAsync(move.Isolated);
        await move.RollBackAsync();

        Assert.Equal(theirs, await RowsAsync(move.Shared));
        Assert.Empty(await new DatabaseComparer(move.Isolated, move.Shared).CompareSchemasAsync());
        Assert.Empty(await TenantMove.TracesAsync(move.Shared));

        async Task AssertSameAsync()
        {
            var there = await RowsAsync(move.Isolated);
            Assert.NotEmpty(there);
            Assert.Equal(await RowsAsync(move.Shared), there);
        }

        async Task<IReadOnlyList<string>> RowsAsync(TestDatabase database)
        {
            var rows = new List<string>();
            foreach (var (table, ours) in tables)
                rows.AddRange(
                    await database.QueryAsync<string>(
                        $"SELECT '{table} ' || t::text FROM {table} t WHERE {ours} ORDER BY 1"
                    )
                );
            return rows;
        }
    }
}
