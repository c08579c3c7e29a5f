using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.Security;

/// <summary>
/// Whoever may write in the tenant's database writes rows there that would be other tenants' in the shared one, by their column
/// or by the row that they name. A rollback writes none of them.
/// </summary>
public sealed class RowsOfOthersTests(Servers servers)
{
    // Tasks and comments 101 to 110 are the tenant's, 201 to 210 another's.
    const string Schema = """
        CREATE TABLE tasks (id int PRIMARY KEY, tenant_id bigint NOT NULL);
        CREATE TABLE comments (id int PRIMARY KEY, task_id int NOT NULL REFERENCES tasks, body text);
        INSERT INTO tasks SELECT t * 100 + n, t FROM generate_series(1, 2) t, generate_series(1, 10) n;
        INSERT INTO comments SELECT id, id, 'comment' FROM tasks;
        """;

    const string OfOthers = """
        SELECT c::text FROM comments c JOIN tasks t ON t.id = c.task_id WHERE t.tenant_id = 2
        UNION ALL SELECT t::text FROM tasks t WHERE t.tenant_id = 2 ORDER BY 1
        """;

    [Fact]
    public async Task What_was_below_anothers_row_for_a_while_does_not_come_to_it()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        await move.PromoteAsync(validate: false);
        var before = await move.Shared.QueryAsync<string>(OfOthers);
        await move.Isolated.ExecuteAsync(
            "INSERT INTO tasks VALUES (202, 2); INSERT INTO comments VALUES (9001, 202, 'planted')"
        );
        await move.Isolated.ExecuteAsync("DELETE FROM comments WHERE id = 9001; DELETE FROM tasks WHERE id = 202");

        await move.RollBackAsync();

        Assert.Equal(before, await move.Shared.QueryAsync<string>(OfOthers));
        Assert.Equal(
            10,
            await move.Shared.ScalarAsync<long>("SELECT count(*) FROM comments WHERE id BETWEEN 101 AND 110")
        );
    }

    [Theory]
    [SoakData("task_id = 202")]
    [InlineData("task_id = 202, id = 9001")]
    public async Task A_row_that_moves_below_anothers_row_while_a_rollback_is_under_way_does_not_come_to_it(
        string change
    )
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        await move.PromoteAsync(validate: false);
        var before = await move.Shared.QueryAsync<string>(OfOthers);

        var refusal = await Assert.ThrowsAsync<MigratorException>(() =>
            move.RollBackMeddledAsync(
                PhaseName.CatchUpReverse,
                () =>
                    move.Isolated.ExecuteAsync(
                        $"INSERT INTO tasks VALUES (202, 2); UPDATE comments SET {change} WHERE id = 101"
                    )
            )
        );

        Assert.Equal(ExitCode.Different, refusal.Code);
        Assert.Equal(before, await move.Shared.QueryAsync<string>(OfOthers));
    }

    [Theory]
    [InlineData(PromotionOptions.Online)]
    [SoakData(PromotionOptions.Fenced)]
    public async Task A_row_below_one_of_ours_with_anothers_key_is_named_and_not_written(string mode)
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        move.Mode = mode;
        await move.PromoteAsync(validate: false);
        var before = await move.Shared.QueryAsync<string>(OfOthers);
        await move.Isolated.ExecuteAsync(
            "INSERT INTO tasks VALUES (202, 1); INSERT INTO comments VALUES (9001, 202, 'planted')"
        );

        var refusal = await Assert.ThrowsAsync<MigratorException>(() => move.RollBackAsync());

        Assert.Equal(ExitCode.Different, refusal.Code);
        Assert.Contains("public.comments", refusal.Message);
        Assert.Contains("9001", refusal.Message);
        Assert.Equal(before, await move.Shared.QueryAsync<string>(OfOthers));
        await move.Isolated.ExecuteAsync("DELETE FROM comments WHERE id = 9001; DELETE FROM tasks WHERE id = 202");
        await move.RollBackAsync();
        Assert.Equal(before, await move.Shared.QueryAsync<string>(OfOthers));
    }
}
