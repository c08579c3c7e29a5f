using Dapper;
using Migrator.Model;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Scope;

/// <summary>Rows that name no tenant and are everybody's.</summary>
public sealed class GlobalRowsTests(Servers servers)
{
    const string Schema = """
        CREATE TABLE templates (id int PRIMARY KEY, tenant_id bigint REFERENCES tenants, body text);
        CREATE TABLE steps (id int PRIMARY KEY, template_id int NOT NULL REFERENCES templates, body text);
        CREATE TABLE mails (id int PRIMARY KEY, tenant_id bigint NOT NULL, template_id int REFERENCES templates);
        INSERT INTO templates SELECT n, NULLIF(n % 3, 0), 't' FROM generate_series(1, 30) n;
        INSERT INTO steps SELECT n, n, 's' FROM generate_series(1, 30) n;
        INSERT INTO mails SELECT n, 1 + n % 2, 3 * (n % 5 + 1) FROM generate_series(1, 20) n;
        """;

    static readonly ScopePattern Pattern = new(
        "Templates of everybody",
        Schema,
        [
            ("templates", "tenant_id = 1"),
            ("steps", "template_id IN (SELECT id FROM templates WHERE tenant_id = 1)"),
            ("mails", "tenant_id = 1"),
        ]
    )
    {
        Along =
        [
            ("templates", "tenant_id IS NULL"),
            ("steps", "template_id IN (SELECT id FROM templates WHERE tenant_id IS NULL)"),
        ],
        // Rows become everybody's and cease to be, and everybody's rows change, come and go.
        Meanwhile = """
            UPDATE templates SET body = 'changed' WHERE id IN (3, 4, 5);
            UPDATE steps SET body = 'changed' WHERE id IN (3, 4, 5);
            UPDATE templates SET tenant_id = NULL WHERE id IN (7, 8);
            UPDATE templates SET tenant_id = 1 WHERE id = 18; UPDATE templates SET tenant_id = 2 WHERE id = 21;
            INSERT INTO templates VALUES (100, NULL, 'new'), (101, 1, 'new'), (102, 2, 'new');
            INSERT INTO steps VALUES (100, 100, 'new'), (101, 101, 'new'), (102, 102, 'new');
            DELETE FROM steps WHERE id = 24; DELETE FROM templates WHERE id = 24;
            """,
    };

    [Theory]
    [InlineData(PromotionOptions.Online)]
    [SoakData(PromotionOptions.Fenced)]
    public Task Everybodys_rows_are_copied_besides_the_tenants_and_stay(string mode) =>
        (
            Pattern with
            {
                Mode = mode,
                Meanwhile = mode == PromotionOptions.Online ? Pattern.Meanwhile : "",
                There = """
                    UPDATE templates SET body = 'there' WHERE id = 10; UPDATE steps SET body = 'there' WHERE id = 10;
                    INSERT INTO templates VALUES (300, 1, 'there'); INSERT INTO steps VALUES (300, 300, 'there');
                    """,
            }
        ).MoveAsync(servers);

    // No guard protects everybody's rows. A template becomes everybody's after the steps were read, and before the templates.
    [Fact]
    public async Task Everybodys_rows_of_all_tables_are_of_one_moment()
    {
        await using var move = await Pattern.CreateAsync(servers);
        move.Mode = PromotionOptions.Fenced;
        var change = Task.CompletedTask;

        await move.PromoteMeddledAsync(
            PhaseName.CopyData,
            async () =>
            {
                var isolated = await move.Isolated.OpenAsync();
                var locking = await isolated.BeginTransactionAsync();
                await isolated.ExecuteAsync("LOCK TABLE steps");
                change = ChangeAsync(isolated, locking);
            },
            move.Options() with
            {
                Jobs = 1,
            }
        );
        await change;

        Assert.Equal(
            await move.Isolated.QueryAsync<int>("SELECT id FROM templates ORDER BY id"),
            await move.Isolated.QueryAsync<int>("SELECT template_id FROM steps ORDER BY id")
        );

        async Task ChangeAsync(NpgsqlConnection isolated, NpgsqlTransaction locking)
        {
            await using (isolated)
            await using (locking)
            {
                await Waiting.UntilAsync(() =>
                    move.Isolated.ScalarAsync<bool>(
                        "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'steps'::regclass)"
                    )
                );
                await move.Shared.ExecuteAsync("UPDATE templates SET tenant_id = NULL WHERE id = 8");
            }
        }
    }

    [Fact]
    public async Task What_changes_in_everybodys_rows_after_the_flip_stays_where_it_is()
    {
        await using var move = await Pattern.CreateAsync(servers);
        await move.PromoteAsync();
        // No guard protects them.
        await move.Shared.ExecuteAsync(
            "UPDATE templates SET body = 'here' WHERE id = 3; UPDATE steps SET body = 'here' WHERE id = 3"
        );
        await move.Isolated.ExecuteAsync(
            """
            UPDATE templates SET body = 'there' WHERE id = 6; UPDATE steps SET body = 'there' WHERE id = 6;
            DELETE FROM steps WHERE id = 24; DELETE FROM templates WHERE id = 24;
            INSERT INTO templates VALUES (400, NULL, 'needed'), (401, NULL, 'not needed');
            INSERT INTO mails VALUES (400, 1, 400);
            """
        );

        await move.RollBackAsync();

        Assert.Equal(
            ["3 here", "6 t", "24 t", "400 needed"],
            await move.Shared.QueryAsync<string>(
                "SELECT id || ' ' || body FROM templates WHERE id IN (3, 6, 24, 400, 401) ORDER BY id"
            )
        );
        Assert.Equal([400], await move.Shared.QueryAsync<int>("SELECT template_id FROM mails WHERE id = 400"));
    }

    [Fact]
    public async Task A_copy_of_everybodys_rows_that_differs_is_noticed()
    {
        await using var move = await Pattern.CreateAsync(servers);

        var refused = await Assert.ThrowsAsync<MigratorException>(() =>
            move.PromoteMeddledAsync(PhaseName.Verify, "UPDATE templates SET body = 'forged' WHERE id = 3")
        );

        Assert.Equal(ExitCode.Different, refused.Code);
        Assert.Contains("public.templates", refused.Message);
    }

    [Fact]
    public async Task Everybodys_rows_are_counted_before_the_move()
    {
        await using var move = await Pattern.CreateAsync(servers);

        var result = await move.PreflightAsync();

        Assert.Empty(result.Faults);
        Assert.Contains(
            result.Warnings,
            warning => warning.StartsWith("public.templates has 10 rows that name no tenant", StringComparison.Ordinal)
        );
    }
}
