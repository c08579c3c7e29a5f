using Migrator.Embedded;
using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.PromotionTests;

/// <summary>Finalize looks before it deletes, deletes nothing of others, and counts what is left before it says done.</summary>
public sealed class FinalizeLooksTests(Servers servers)
{
    const string Orders =
        "CREATE TABLE orders (id integer PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, note text);"
        + "INSERT INTO orders SELECT n, 1 + n % 2, 'n' FROM generate_series(1, 20) n;";

    // Unique names among the roots: letting a reference go first would make all of them roots.
    const string Tree = """
        CREATE TABLE folder (
            id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants,
            parent_id int REFERENCES folder ON DELETE SET NULL, name text NOT NULL);
        CREATE UNIQUE INDEX ON folder (tenant_id, name) WHERE parent_id IS NULL;
        CREATE UNIQUE INDEX ON folder (tenant_id, parent_id, name);
        INSERT INTO folder VALUES (1, 1, NULL, 'root'), (2, 1, 1, 'docs'), (3, 1, 2, 'docs'), (4, 1, 1, 'root'),
            (5, 2, NULL, 'root'), (6, 2, 5, 'docs');
        """;

    // A circle of two tables, with a check that forbids to open it.
    const string Circle = """
        CREATE TABLE team (
            id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, lead_id int,
            active boolean NOT NULL DEFAULT true);
        CREATE TABLE member (
            id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants,
            team_id int NOT NULL REFERENCES team ON DELETE RESTRICT);
        ALTER TABLE team ADD FOREIGN KEY (lead_id) REFERENCES member, ADD CHECK (NOT active OR lead_id IS NOT NULL) NOT VALID;
        INSERT INTO team VALUES (1, 1, NULL, false), (2, 2, NULL, false);
        INSERT INTO member VALUES (1, 1, 1), (2, 2, 2), (3, 1, 1);
        UPDATE team SET lead_id = id, active = true;
        """;

    [Theory]
    [SoakData(Tree, "folder", 1)]
    [InlineData(Tree, "folder", 1_000)]
    [SoakData(Circle, "team", 1)]
    [InlineData(Circle, "member", 1_000)]
    public async Task Rows_that_hold_each_other_go_without_a_write_that_is_not_a_delete(
        string schema,
        string table,
        int batch
    )
    {
        await using var move = await TenantMove.CreateAsync(servers, schema);
        await move.PromoteAsync(validate: false);
        var others = await move.Shared.QueryAsync<string>(
            $"SELECT t::text FROM {table} t WHERE tenant_id = 2 ORDER BY 1"
        );

        await move.FinalizeAsync(batch);

        Assert.Equal(others, await move.Shared.QueryAsync<string>($"SELECT t::text FROM {table} t ORDER BY 1"));
    }

    [Fact]
    public async Task An_isolated_database_that_is_gone_keeps_the_shared_rows()
    {
        await using var move = await TenantMove.CreateAsync(servers, Orders);
        move.Mode = PromotionOptions.Fenced;
        await move.PromoteAsync(validate: false);
        await move.Isolated.DisposeAsync();

        var refused = await Assert.ThrowsAsync<MigratorException>(() => move.FinalizeAsync(force: true));

        Assert.Contains("does not exist", refused.Message);
        Assert.Equal(10, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM orders WHERE tenant_id = 1"));
        Assert.Equal("moved", await move.GuardAsync());
    }

    [Theory]
    [InlineData("TRUNCATE orders", "public.orders is empty")]
    [InlineData("DROP TABLE orders", "public.orders is not there")]
    [InlineData("DROP SCHEMA tenant_promotion CASCADE", "does not bear the mark")]
    public async Task An_isolated_database_that_lost_rows_keeps_the_shared_ones(string loss, string said)
    {
        await using var move = await TenantMove.CreateAsync(servers, Orders);
        await move.PromoteAsync(validate: false);
        await move.Isolated.ExecuteAsync(loss, role: EmbeddedCluster.Superuser);

        var refused = await Assert.ThrowsAsync<MigratorException>(() => move.FinalizeAsync());

        Assert.Equal(ExitCode.Different, refused.Code);
        Assert.Contains(said, refused.Message);
        Assert.Equal(10, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM orders WHERE tenant_id = 1"));
    }

    [Fact]
    public async Task Rows_that_the_tenant_deleted_since_do_not_stop_it()
    {
        await using var move = await TenantMove.CreateAsync(servers, Orders);
        await move.PromoteAsync(validate: false);
        await move.Isolated.ExecuteAsync("DELETE FROM orders WHERE id > 4");

        await move.FinalizeAsync();

        Assert.Contains(move.Watched.Warnings, warning => warning.Contains("the tenant has deleted some since"));
        Assert.Equal(10, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM orders"));
    }

    [Theory]
    [InlineData("CASCADE")]
    [SoakData("SET NULL")]
    [InlineData("NO ACTION")]
    public async Task What_others_hang_on_a_tenants_row_after_the_flip_is_neither_taken_nor_changed(string action)
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            Orders
                + $"CREATE TABLE shares (id int PRIMARY KEY, tenant_id bigint NOT NULL, order_id int REFERENCES orders ON DELETE {action});"
        );
        await move.PromoteAsync(validate: false);
        // Another tenant's row, written weeks after Preflight.
        await move.Shared.ExecuteAsync("INSERT INTO shares VALUES (1, 2, 4)");

        var stopped = await Assert.ThrowsAsync<MigratorException>(() => move.FinalizeAsync(batchSize: 1));

        Assert.Contains("public.shares", stopped.Message);
        Assert.Contains("such as 1", stopped.Message);
        Assert.Equal(4, await move.Shared.ScalarAsync<int>("SELECT order_id FROM shares WHERE id = 1"));
        await move.Shared.ExecuteAsync("DELETE FROM shares");
        await move.FinalizeAsync();
        Assert.Equal(10, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM orders"));
    }

    [Fact]
    public async Task The_journal_keeps_no_definitions_of_a_promotion_that_has_ended()
    {
        const string definitions = "SELECT count(*) FROM tenant_promotion.definition";
        await using var move = await TenantMove.CreateAsync(servers, Orders);
        await move.PromoteAsync(validate: false);
        Assert.NotEqual(0, await move.Shared.ScalarAsync<long>(definitions));

        await move.RollBackAsync();
        Assert.Equal(0, await move.Shared.ScalarAsync<long>(definitions));

        await move.PromoteAsync(validate: false);
        await move.FinalizeAsync();
        Assert.Equal(0, await move.Shared.ScalarAsync<long>(definitions));
    }

    [Fact]
    public async Task Reference_rows_that_hang_on_a_tenants_row_are_a_fault_of_preflight()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            Orders
                + "CREATE TABLE templates (id int PRIMARY KEY, author int REFERENCES orders ON DELETE CASCADE);"
                + "INSERT INTO templates VALUES (1, 2)",
            tenancy: new() { Reference = [TableName.Parse("public.templates")] }
        );

        var refused = await Assert.ThrowsAsync<MigratorException>(() => move.PromoteAsync());

        Assert.Equal(ExitCode.Refused, refused.Code);
        Assert.Contains("1 rows of public.templates that are not this tenant's", refused.Message);
    }

    [Fact]
    public async Task A_rule_on_a_tenants_table_is_a_fault_of_preflight()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            Orders
                + "ALTER TABLE orders ADD deleted_at timestamptz;"
                + "CREATE RULE soft AS ON DELETE TO orders DO INSTEAD UPDATE orders SET deleted_at = now() WHERE id = OLD.id"
        );

        var refused = await Assert.ThrowsAsync<MigratorException>(() => move.PromoteAsync());

        Assert.Equal(ExitCode.Refused, refused.Code);
        Assert.Contains("Rule soft rewrites statements on public.orders", refused.Message);
        await move.Shared.ExecuteAsync("ALTER TABLE orders DISABLE RULE soft");
        await move.PromoteAsync(validate: false);
    }

    [Fact]
    public async Task A_rule_that_came_after_the_flip_leaves_rows_and_finalize_does_not_say_done()
    {
        await using var move = await TenantMove.CreateAsync(servers, Orders);
        await move.PromoteAsync(validate: false);
        await move.Shared.ExecuteAsync("CREATE RULE soft AS ON DELETE TO orders DO INSTEAD NOTHING");

        var refused = await Assert.ThrowsAsync<MigratorException>(() => move.FinalizeAsync());

        Assert.Equal(ExitCode.Different, refused.Code);
        Assert.Contains("public.orders (10 rows)", refused.Message);
        Assert.Equal("isolated", await move.Shared.ScalarAsync<string>("SELECT state FROM tenant_promotion.promotion"));
    }

    [Fact]
    public async Task What_was_written_behind_the_guard_is_not_recorded_after_a_rollback_that_failed()
    {
        await using var move = await TenantMove.CreateAsync(servers, Orders);
        await move.PromoteAsync(validate: false);
        await move.Shared.ExecuteAsync(
            "ALTER TABLE orders DISABLE TRIGGER USER; INSERT INTO orders VALUES (999, 1, 'bulk'); ALTER TABLE orders ENABLE TRIGGER USER",
            role: EmbeddedCluster.Superuser
        );
        Assert.Equal(
            ExitCode.Different,
            (await Assert.ThrowsAsync<MigratorException>(() => move.FinalizeAsync())).Code
        );
        // A rollback that cannot end: the isolated side has a column that the shared one lacks.
        await move.Isolated.ExecuteAsync("ALTER TABLE orders RENAME note TO remark");
        await Assert.ThrowsAsync<MigratorException>(() => move.RollBackAsync());
        await move.Isolated.ExecuteAsync("ALTER TABLE orders RENAME remark TO note");

        var refused = await Assert.ThrowsAsync<MigratorException>(() => move.FinalizeAsync());

        Assert.Equal(ExitCode.Different, refused.Code);
        Assert.Contains("public.orders", refused.Message);
        Assert.Equal(1, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM orders WHERE id = 999"));
    }
}
