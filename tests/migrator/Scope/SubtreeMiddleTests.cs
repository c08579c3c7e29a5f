using Migrator.Model;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Scope;

/// <summary>A tenant in the middle of a tree: the one above stays, and those below go along.</summary>
public sealed class SubtreeMiddleTests(Servers servers)
{
    // Tenant 11 is below 1, and has 111 and 112 below it; 1111 is below 111.
    static readonly string Schema = $"""
        {SubtreeTests.Loose(SubtreeTests.Schema)}
        INSERT INTO tenants (id, slug, parent_id) VALUES (1111, 't1111', 111);
        INSERT INTO projects VALUES (1111, 1111, 'p'); INSERT INTO tasks VALUES (1111, 1111, 't');
        INSERT INTO notes VALUES (1111, 1111, 'n');
        """;

    // From above, from a tenant beside and from another tree, and the other way; the tenant itself goes below another one.
    const string Meanwhile = """
        INSERT INTO tenants (id, slug, parent_id) VALUES (113, 'new', 11), (15, 'not ours', 1);
        INSERT INTO projects VALUES (113, 113, 'new'), (15, 15, 'new'); INSERT INTO tasks VALUES (113, 113, 'new');
        UPDATE tenants SET parent_id = 11 WHERE id = 12; UPDATE projects SET v = 'came along' WHERE id = 12;
        UPDATE tenants SET parent_id = 1111 WHERE id = 22; INSERT INTO notes VALUES (2210, 221, 'came along');
        UPDATE tenants SET parent_id = 1 WHERE id = 112; UPDATE tasks SET v = 'went along' WHERE id = 112;
        UPDATE tenants SET parent_id = 2 WHERE id = 11; UPDATE notes SET v = 'below another' WHERE id = 111;
        UPDATE tenants SET parent_id = 14 WHERE id = 11;
        UPDATE tenants SET parent_id = 13 WHERE id = 1111; UPDATE notes SET v = 'a guest' WHERE id = 1111;
        UPDATE tenants SET parent_id = 111 WHERE id = 1111;
        UPDATE projects SET tenant_id = 1 WHERE id = 111; UPDATE projects SET tenant_id = 1111 WHERE id = 1;
        UPDATE notes SET tenant_id = 14 WHERE id = 11; UPDATE notes SET tenant_id = 11 WHERE id IN (1, 24);
        UPDATE projects SET v = 'theirs' WHERE id IN (13, 14); DELETE FROM notes WHERE id = 13;
        """;

    const string There = """
        INSERT INTO tenants (id, slug, parent_id) VALUES (114, 'there', 111), (1141, 'there-below', 114);
        INSERT INTO projects VALUES (1141, 1141, 'there'); INSERT INTO tasks VALUES (1141, 1141, 'there');
        UPDATE tenants SET parent_id = 11 WHERE id = 1111; UPDATE tenants SET parent_id = 2 WHERE id = 11;
        UPDATE notes SET v = 'there' WHERE tenant_id = 11; UPDATE projects SET tenant_id = 111 WHERE tenant_id = 1111;
        """;

    static readonly string Ours = SubtreeTests.Ours.Replace("WHERE at = 1)", "WHERE at = 11)");

    static string Rows(bool ours)
    {
        var (mine, which) = (Ours, ours ? "" : "NOT ");
        return $"""
            SELECT 'tenants ' || id || coalesce(' below ' || parent_id, '') || plan FROM tenants WHERE (id {mine}) IS {which}TRUE
            UNION ALL SELECT 'projects ' || t::text FROM projects t WHERE (tenant_id {mine}) IS {which}TRUE
            UNION ALL SELECT 'tasks ' || t::text FROM tasks t
                WHERE (project_id IN (SELECT id FROM projects WHERE tenant_id {mine})) IS {which}TRUE
            UNION ALL SELECT 'notes ' || t::text FROM notes t WHERE (tenant_id {mine}) IS {which}TRUE ORDER BY 1
            """;
    }

    [Theory]
    [InlineData(PromotionOptions.Online)]
    [InlineData(PromotionOptions.Fenced)]
    public async Task Moves_with_those_below_and_without_the_one_above(string mode)
    {
        await using var above = await CreateAsync();
        await using var move = new TenantMove(above.Shared, "t11", tenancy: SubtreeTests.Tenancy) { Mode = mode };
        if (mode == PromotionOptions.Online)
            await move.PromoteMeddledAsync(
                PhaseName.CatchUp,
                async () =>
                {
                    foreach (var write in Meanwhile.Split(";\n"))
                        await move.Shared.ExecuteAsync(write);
                },
                move.Options(validate: true)
            );
        else
            await move.PromoteAsync();

        Assert.Equal(await RowsAsync(move.Shared), await RowsAsync(move.Isolated));
        Assert.Empty(await RowsAsync(move.Isolated, ours: false));
        var others = await RowsAsync(move.Shared, ours: false);
        await move.Isolated.ExecuteAsync(There);
        var there = await RowsAsync(move.Isolated);
        await move.RollBackAsync();
        Assert.Equal(there, await RowsAsync(move.Shared));
        Assert.Equal(others, await RowsAsync(move.Shared, ours: false));

        await move.PromoteAsync();
        Assert.Equal(there, await RowsAsync(move.Isolated));
        await move.FinalizeAsync();
        Assert.Equal(others, await RowsAsync(move.Shared, ours: false));
        Assert.All(await RowsAsync(move.Shared), row => Assert.StartsWith("tenants ", row));
        Assert.Equal(there, await RowsAsync(move.Isolated));
    }

    [Fact]
    public async Task Those_above_and_beside_go_on_and_nobody_joins_or_leaves()
    {
        await using var above = await CreateAsync();
        await using var move = new TenantMove(above.Shared, "t11", tenancy: SubtreeTests.Tenancy);
        await move.PromoteAsync();

        await move.Shared.ExecuteAsync(
            """
            UPDATE tenants SET plan = 'x' WHERE id IN (1, 12, 14); UPDATE tenants SET parent_id = 12 WHERE id = 14;
            INSERT INTO tenants (id, slug, parent_id) VALUES (16, 'x16', 1); INSERT INTO projects VALUES (16, 16, 'x');
            UPDATE projects SET v = 'x' WHERE id = 1; DELETE FROM notes WHERE id = 12; UPDATE tasks SET v = 'x' WHERE id = 13;
            """
        );
        foreach (
            var write in (string[])
                [
                    "UPDATE tenants SET plan = 'x' WHERE id = 11",
                    "UPDATE tenants SET parent_id = 2 WHERE id = 11",
                    "UPDATE tenants SET parent_id = 111 WHERE id = 12",
                    "UPDATE tenants SET parent_id = 1 WHERE id = 1111",
                    "UPDATE projects SET tenant_id = 1111 WHERE id = 1",
                    "UPDATE projects SET tenant_id = 1 WHERE id = 1111",
                    "INSERT INTO tasks VALUES (800, 111)",
                ]
        )
            Assert.Equal(
                PostgresErrorCodes.ReadOnlySqlTransaction,
                (await Assert.ThrowsAsync<PostgresException>(() => move.Shared.ExecuteAsync(write))).SqlState
            );
        Assert.Equal(
            [11, 111, 112, 1111],
            await move.Shared.QueryAsync<long>("SELECT id FROM tenants WHERE isolation_mode = 'isolated' ORDER BY id")
        );
    }

    // Of two trees of which one has the other in it, one moves.
    [Fact]
    public async Task The_tenants_above_and_below_are_refused_until_it_is_home()
    {
        await using var above = await CreateAsync();
        await using var move = new TenantMove(above.Shared, "t11", tenancy: SubtreeTests.Tenancy);
        await using var below = new TenantMove(above.Shared, "t1111", tenancy: SubtreeTests.Tenancy);
        await move.PromoteAsync();

        Assert.Contains((await above.PreflightAsync()).Faults, fault => fault.Contains("t11 (key 11)"));
        var refused = await Assert.ThrowsAsync<MigratorException>(() => below.PromoteAsync());
        Assert.Contains("is a part of the tenant 't11' (key 11)", refused.Message);

        await move.RollBackAsync();
        Assert.Empty((await below.PreflightAsync()).Faults);
        await above.PromoteAsync();
        Assert.Equal(8, await above.Isolated.ScalarAsync<long>("SELECT count(*) FROM tenants"));
    }

    Task<TenantMove> CreateAsync() => TenantMove.CreateAsync(servers, Schema, tenancy: SubtreeTests.Tenancy);

    static Task<IReadOnlyList<string>> RowsAsync(TestDatabase database, bool ours = true) =>
        database.QueryAsync<string>(Rows(ours));
}
