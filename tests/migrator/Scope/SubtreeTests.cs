using Migrator.Embedded;
using Migrator.Model;
using Migrator.Settings;
using Migrator.Tests.Support;

namespace Migrator.Tests.Scope;

/// <summary>A tenant that is a row of the tenants' table with all rows below it.</summary>
public sealed class SubtreeTests(Servers servers)
{
    // Below 1 are 11 to 14, and 111 and 112 below 11; below 2 are 21 to 24, and 221 and 222 below 22. Each has a project with
    // a task, and notes that name it without a foreign key.
    internal const string Schema = """
        ALTER TABLE tenants ADD parent_id bigint REFERENCES tenants;
        CREATE INDEX ON tenants (parent_id);
        CREATE TABLE projects (id bigint PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, v text);
        CREATE TABLE tasks (id bigint PRIMARY KEY, project_id bigint NOT NULL REFERENCES projects, v text);
        CREATE TABLE notes (id bigint PRIMARY KEY, tenant_id bigint, v text);
        CREATE INDEX ON projects (tenant_id); CREATE INDEX ON tasks (project_id); CREATE INDEX ON notes (tenant_id);
        INSERT INTO tenants (id, slug, parent_id) SELECT 10 * p + n, 't' || 10 * p + n, p
            FROM generate_series(1, 2) p, generate_series(1, 4) n;
        INSERT INTO tenants (id, slug, parent_id) SELECT 10 * p + n, 't' || 10 * p + n, p
            FROM (VALUES (11), (22)) v (p), generate_series(1, 2) n;
        INSERT INTO projects SELECT id, id, 'p' FROM tenants; INSERT INTO tasks SELECT id, id, 't' FROM tenants;
        INSERT INTO notes SELECT id, id, 'n' FROM tenants; INSERT INTO notes VALUES (900, NULL, 'nobody''s');
        """;

    internal static readonly Tenancy Tenancy = ScopePattern.TenancyOf("A tenant that is a tree");

    // Walked in the other direction than the product does.
    internal const string Ours = """
        IN (WITH RECURSIVE up (id, at) AS (SELECT id, id FROM tenants
            UNION SELECT up.id, t.parent_id FROM up JOIN tenants t ON t.id = up.at)
            SELECT id FROM up WHERE at = 1)
        """;

    internal static readonly (string Table, string Mine)[] Mine =
    [
        ("projects", $"tenant_id {Ours}"),
        ("tasks", $"project_id IN (SELECT id FROM projects WHERE tenant_id {Ours})"),
        ("notes", $"tenant_id {Ours}"),
    ];

    internal const string Tree = "SELECT id || ' ' || slug || coalesce(' below ' || parent_id, '') FROM tenants";

    static readonly ScopePattern Pattern = new("A tenant that is a tree", Schema, Mine);

    // Where nothing enforces that a tenant is there.
    internal static string Loose(string sql) => sql.Replace(" REFERENCES tenants", "");

    const string Meanwhile = """
        INSERT INTO tenants (id, slug, parent_id) VALUES (15, 'new', 1), (25, 'theirs', 2);
        INSERT INTO projects VALUES (15, 15, 'new'), (25, 25, 'new'); INSERT INTO tasks VALUES (15, 15), (25, 25);
        UPDATE tenants SET parent_id = 12 WHERE id = 22;
        UPDATE projects SET v = 'came along' WHERE id = 221; INSERT INTO notes VALUES (2210, 221, 'came along');
        UPDATE tenants SET parent_id = 2 WHERE id = 11;
        UPDATE projects SET v = 'went along' WHERE id = 111; INSERT INTO notes VALUES (1110, 111, 'went along');
        UPDATE tenants SET parent_id = 11 WHERE id = 13; UPDATE tenants SET parent_id = 1 WHERE id = 13;
        UPDATE tenants SET parent_id = 14 WHERE id = 23; UPDATE notes SET v = 'a guest' WHERE id = 23;
        UPDATE tenants SET parent_id = 2 WHERE id = 23;
        UPDATE tenants SET parent_id = NULL WHERE id = 112;
        UPDATE projects SET tenant_id = 2 WHERE id = 13; UPDATE projects SET tenant_id = 14 WHERE id = 24;
        INSERT INTO tenants (id, slug, parent_id) VALUES (161, 'child', 16), (16, 'parent', 14);
        INSERT INTO projects VALUES (161, 161, 'early');
        """;

    const string There = """
        INSERT INTO tenants (id, slug, parent_id) VALUES (17, 'there', 14), (171, 'there-below', 17);
        INSERT INTO projects VALUES (171, 171, 'there'); INSERT INTO tasks VALUES (171, 171, 'there');
        UPDATE tenants SET parent_id = 14 WHERE id = 12; UPDATE tasks SET v = 'there' WHERE id = 12;
        DELETE FROM tasks WHERE id = 15; DELETE FROM projects WHERE id = 15; DELETE FROM notes WHERE tenant_id = 15;
        DELETE FROM tenants WHERE id = 15;
        """;

    [Theory]
    [InlineData(PromotionOptions.Online, false)]
    [InlineData(PromotionOptions.Online, true)]
    [SoakData(PromotionOptions.Fenced, false)]
    public Task A_tree_goes_there_and_back_and_for_good_while_rows_join_and_leave(string mode, bool isLoose)
    {
        var online = mode == PromotionOptions.Online;
        return (
            Pattern with
            {
                Schema = isLoose ? Loose(Schema) : Schema,
                Mode = mode,
                Meanwhile = online ? Meanwhile : "",
                There = online ? There : There.Replace("15", "13"),
            }
        ).MoveAsync(servers);
    }

    [Theory]
    [InlineData(PhaseName.CatchUp)]
    [SoakData(PhaseName.Verify)]
    [InlineData(PhaseName.CutOver)]
    public async Task Each_row_of_the_tree_is_there_whenever_it_moved(string phase)
    {
        await using var move = await Pattern.CreateAsync(servers);

        await move.PromoteMeddledAsync(
            phase,
            async () =>
            {
                foreach (var write in Meanwhile.Split(";\n"))
                    await move.Shared.ExecuteAsync(write);
            }
        );

        Assert.Equal(
            await move.Shared.QueryAsync<string>($"{Tree} WHERE id {Ours} ORDER BY id"),
            await move.Isolated.QueryAsync<string>($"{Tree} ORDER BY id")
        );
        Assert.Equal(await RowsAsync(move.Shared), await RowsAsync(move.Isolated));
        await move.Isolated.ExecuteAsync(There);
        var there = await move.Isolated.QueryAsync<string>($"{Tree} ORDER BY id");
        await move.RollBackAsync();
        Assert.Equal(there, await move.Shared.QueryAsync<string>($"{Tree} WHERE id {Ours} ORDER BY id"));
    }

    internal static async Task<string[]> RowsAsync(TestDatabase database)
    {
        var rows = new List<string>();
        foreach (var (table, mine) in Mine)
            rows.AddRange(
                await database.QueryAsync<string>(
                    $"SELECT '{table} ' || t::text FROM {table} t WHERE {mine} ORDER BY 1"
                )
            );
        return [.. rows];
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_guard_knows_the_tree_and_what_joins_it(bool isLoose)
    {
        await using var move = await (Pattern with { Schema = isLoose ? Loose(Schema) : Schema }).CreateAsync(servers);
        await move.PromoteAsync(validate: false);
        await RequireGuardedAsync(move);
        await move.FinalizeAsync();
        await RequireGuardedAsync(move, hasRows: false);
    }

    static async Task RequireGuardedAsync(TenantMove move, bool hasRows = true)
    {
        await move.Shared.ExecuteAsync(
            """
            BEGIN;
            INSERT INTO tenants (id, slug, parent_id) VALUES (271, 'x271', 27), (27, 'x27', 2), (5, 'x5', NULL);
            INSERT INTO projects VALUES (271, 271); UPDATE tenants SET parent_id = 5 WHERE id = 22;
            UPDATE projects SET v = 'theirs' WHERE id IN (2, 221); DELETE FROM tasks WHERE id = 23;
            UPDATE tenants SET plan = 'x' WHERE id = 24;
            COMMIT;
            DELETE FROM projects WHERE id = 271; DELETE FROM tenants WHERE id IN (271, 27);
            UPDATE tenants SET parent_id = 2 WHERE id = 22; DELETE FROM tenants WHERE id = 5;
            """
        );
        foreach (
            var write in (string[])
                [
                    "INSERT INTO tenants (id, slug, parent_id) VALUES (18, 'x18', 11)",
                    "UPDATE tenants SET parent_id = 12 WHERE id = 22",
                    "UPDATE tenants SET parent_id = 2 WHERE id = 12",
                    "UPDATE tenants SET plan = 'x' WHERE id = 111",
                    "INSERT INTO projects VALUES (800, 112)",
                    "INSERT INTO notes VALUES (800, 11)",
                    "UPDATE notes SET tenant_id = 111 WHERE id = 21",
                    .. hasRows
                        ? ["UPDATE projects SET v = 'x' WHERE id = 111", "INSERT INTO tasks VALUES (800, 14)"]
                        : Array.Empty<string>(),
                ]
        )
            Assert.Equal(
                "25006",
                (await Assert.ThrowsAsync<Npgsql.PostgresException>(() => move.Shared.ExecuteAsync(write))).SqlState
            );
    }

    [Fact]
    public async Task Every_row_of_the_tree_says_where_the_tree_is()
    {
        const string isolated = "SELECT id FROM tenants WHERE isolation_mode = 'isolated' ORDER BY id";
        await using var move = await Pattern.CreateAsync(servers);
        await move.PromoteAsync();

        Assert.Equal([1, 11, 12, 13, 14, 111, 112], await move.Shared.QueryAsync<long>(isolated));
        Assert.Equal([1, 11, 12, 13, 14, 111, 112], await move.Isolated.QueryAsync<long>(isolated));
        Assert.Equal(
            move.TargetName,
            await move.Shared.ScalarAsync<string>(
                "SELECT settings -> 'isolation' ->> 'isolated_db_name' FROM tenants WHERE id = 111"
            )
        );
        await using var below = new TenantMove(move.Shared, "t11", tenancy: Tenancy);
        var refused = await Assert.ThrowsAsync<MigratorException>(() => below.PreflightAsync());
        Assert.Contains($"'t11' (key 11) is a part of the tenant '{move.Slug}' (key 1)", refused.Message);
        Assert.Contains(move.TargetName, refused.Message);

        await move.RollBackAsync();

        Assert.Empty(await move.Shared.QueryAsync<long>(isolated));
        Assert.False(
            await move.Shared.ScalarAsync<bool>(
                "SELECT bool_or(settings ? 'isolation') FROM tenants WHERE parent_id IS NOT NULL"
            )
        );
    }

    [Theory]
    [InlineData(
        "UPDATE tenants SET isolation_mode = 'isolated' WHERE id = 111",
        "have moved or are moving by themselves: t111 (key 111)"
    )]
    [InlineData("UPDATE tenants SET parent_id = 111 WHERE id = 1", "is below itself (keys 1, 111, 11)")]
    [InlineData(
        "INSERT INTO tenants (id, slug, parent_id) SELECT n, n, CASE n WHEN 1000 THEN 14 ELSE n - 1 END FROM generate_series(1000, 1110) n",
        "more than 100 levels"
    )]
    public async Task A_tree_that_cannot_move_as_one_is_refused(string write, string why)
    {
        await using var move = await Pattern.CreateAsync(servers);
        await move.Shared.ExecuteAsync(write);

        Assert.Contains((await move.PreflightAsync()).Faults, fault => fault.Contains(why, StringComparison.Ordinal));
    }

    // Where a foreign key would have nothing to refer to.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_tenant_below_another_is_refused_where_a_foreign_key_says_so(bool isLoose)
    {
        await using var move = await (Pattern with { Schema = isLoose ? Loose(Schema) : Schema }).CreateAsync(servers);
        await using var below = new TenantMove(move.Shared, "t11", tenancy: Tenancy);

        var faults = (await below.PreflightAsync()).Faults;

        if (isLoose)
            Assert.Empty(faults);
        else
            Assert.Contains("'t11' (key 11) is below the tenant with the key 1", Assert.Single(faults));
    }

    // Each of two runs begins before it can see the other one.
    [Fact]
    public async Task A_tree_is_not_flipped_once_a_tenant_in_it_has_moved()
    {
        await using var move = await (Pattern with { Schema = Loose(Schema) }).CreateAsync(servers);

        var refused = await Assert.ThrowsAsync<MigratorException>(() =>
            move.PromoteMeddledAsync(
                PhaseName.CutOver,
                () =>
                    move.Shared.ExecuteAsync(
                        "UPDATE tenants SET isolation_mode = 'isolated' WHERE id = 12",
                        role: EmbeddedCluster.Superuser
                    )
            )
        );

        Assert.Contains("t12", refused.Message);
        Assert.Equal(Tenant.SharedMode, await move.ModeAsync());
    }

    [Fact]
    public async Task A_second_promotion_above_or_below_is_refused()
    {
        await using var move = await (Pattern with { Schema = Loose(Schema) }).CreateAsync(servers);
        await move.PromoteAsync(stopBefore: PhaseName.CopyData);

        foreach (var (slug, refused) in new[] { ("t11", true), ("t111", true), ("t22", false) })
        {
            var other = new TenantMove(move.Shared, slug, tenancy: Tenancy);
            Assert.Equal(
                refused,
                (await other.PreflightAsync()).Faults.Any(fault => fault.Contains(move.Slug, StringComparison.Ordinal))
            );
        }
    }

    static readonly (string Tenancy, string Why)[] Unfit =
    [
        ("""{ "tenants": { "subtree": "slug" } }""", "which cannot hold a key"),
        ("""{ "tenants": { "subtree": "nothing" } }""", "which cannot hold a key"),
        (
            """{ "tenants": { "subtree": "parent_id" }, "tables": { "public.notes": { "where": "tenant_id = :tenant" } } }""",
            "the tree has several"
        ),
        (
            """{ "tenants": { "subtree": "parent_id" }, "tables": { "public.notes": { "tenant": "tenant_id", "null": "global" } } }""",
            "cannot be told from a tree's"
        ),
        ("{}", "\"tenants\": { \"subtree\": \"parent_id\" }"),
    ];

    [Fact]
    public async Task Settings_that_do_not_fit_are_refused()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        foreach (var (tenancy, why) in Unfit)
            Assert.Contains(
                (await move.PreflightAsync(ScopePattern.Parse(tenancy))).Faults,
                fault => fault.Contains(why, StringComparison.Ordinal)
            );
    }

    // What leads nowhere there could be nobody's here.
    [Fact]
    public async Task A_row_that_has_left_the_tree_there_stops_the_way_home()
    {
        await using var move = await Pattern.CreateAsync(servers);
        await move.PromoteAsync(validate: false);
        await move.Isolated.ExecuteAsync("UPDATE tenants SET parent_id = NULL WHERE id = 11");

        var refused = await Assert.ThrowsAsync<MigratorException>(() => move.RollBackAsync());

        Assert.Contains("public.tenants", refused.Message);
        await move.Isolated.ExecuteAsync("UPDATE tenants SET parent_id = 12 WHERE id = 11");
        await move.RollBackAsync();
        Assert.Equal(Tenant.SharedMode, await move.ModeAsync());
    }
}
