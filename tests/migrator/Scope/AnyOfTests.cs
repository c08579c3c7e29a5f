using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.Scope;

/// <summary>Rows that are the tenant's by one of several columns or parents.</summary>
public sealed class AnyOfTests(Servers servers)
{
    const string Section = "One of several parents";

    // An attachment hangs on a task or on a comment; a line hangs on an attachment. A task can be of both.
    const string Schema = """
        CREATE TABLE tasks (id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants);
        CREATE TABLE comments (id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants);
        CREATE TABLE attachments (id int PRIMARY KEY, comment_id int REFERENCES comments, task_id int REFERENCES tasks,
            org_id bigint, body text, CHECK (num_nonnulls(comment_id, task_id, org_id) >= 1));
        CREATE TABLE lines (id int PRIMARY KEY, attachment_id int NOT NULL REFERENCES attachments, body text);
        INSERT INTO tasks SELECT n, 1 + n % 2 FROM generate_series(1, 30) n;
        INSERT INTO comments SELECT n, 1 + n % 2 FROM generate_series(1, 30) n;
        INSERT INTO attachments SELECT n, CASE n % 3 WHEN 0 THEN n % 30 + 1 END, CASE n % 3 WHEN 1 THEN n % 30 + 1 END,
            CASE n % 3 WHEN 2 THEN 1 + n % 2 END, 'b' FROM generate_series(1, 90) n;
        INSERT INTO attachments VALUES (200, 2, 2, 1, 'by all three');
        INSERT INTO lines SELECT id, id, 'l' FROM attachments;
        """;

    const string Attachments = """
        (comment_id % 2 = 0 AND comment_id IN (SELECT id FROM comments WHERE tenant_id = 1))
        OR task_id IN (SELECT id FROM tasks WHERE tenant_id = 1)
        OR comment_id IN (SELECT id FROM comments WHERE tenant_id = 1) OR org_id = 1
        """;

    static readonly ScopePattern Pattern = new(
        Section,
        Schema,
        [
            ("tasks", "tenant_id = 1"),
            ("comments", "tenant_id = 1"),
            ("attachments", Attachments),
            ("lines", $"attachment_id IN (SELECT id FROM attachments WHERE {Attachments})"),
        ]
    );

    [Fact]
    public Task Rows_of_several_parents_go_there_online_and_back_and_are_deleted() =>
        (
            Pattern with
            {
                // One goes from one parent to another of the tenant's, one to another tenant's, one comes, one stays by
                // its other parents, and a row without any parent gets one.
                Meanwhile = """
                    UPDATE attachments SET comment_id = NULL, task_id = 4 WHERE id = 3;
                    UPDATE attachments SET task_id = 3 WHERE id = 7;
                    UPDATE attachments SET org_id = 1 WHERE id = 2;
                    UPDATE attachments SET comment_id = NULL WHERE id = 200;
                    UPDATE tasks SET tenant_id = 2 WHERE id = 8; UPDATE tasks SET tenant_id = 1 WHERE id = 11;
                    INSERT INTO attachments VALUES (300, NULL, 10, NULL, 'new'), (301, NULL, NULL, 2, 'new');
                    INSERT INTO lines VALUES (300, 300, 'new'), (301, 301, 'new');
                    DELETE FROM lines WHERE id = 5; DELETE FROM attachments WHERE id = 5;
                    """,
                There = """
                    UPDATE attachments SET task_id = NULL, comment_id = 12 WHERE id = 1;
                    DELETE FROM lines WHERE id = 9; DELETE FROM attachments WHERE id = 9;
                    INSERT INTO tasks VALUES (400, 1); INSERT INTO attachments VALUES (400, NULL, 400, NULL, 'there');
                    INSERT INTO lines VALUES (400, 400, 'there');
                    """,
            }
        ).MoveAsync(servers);

    [Fact]
    public Task Rows_of_several_parents_go_there_fenced() =>
        (Pattern with { Mode = PromotionOptions.Fenced }).MoveAsync(servers);

    // A row that stays by its second parent must not go with its first one.
    [Fact]
    public async Task A_row_stays_when_one_of_its_parents_leaves()
    {
        await using var move = await Pattern.CreateAsync(servers);

        await move.PromoteMeddledAsync(
            PhaseName.Verify,
            () =>
                move.Shared.ExecuteAsync(
                    """
                    BEGIN;
                    UPDATE comments SET tenant_id = 2 WHERE id = 2;
                    UPDATE attachments SET comment_id = NULL WHERE id = 200;
                    COMMIT;
                    """
                )
        );

        Assert.Equal([200], await move.Isolated.QueryAsync<int>("SELECT id FROM attachments WHERE id = 200"));
        Assert.Equal([200], await move.Isolated.QueryAsync<int>("SELECT id FROM lines WHERE id = 200"));
    }

    [Fact]
    public async Task The_guard_knows_each_of_the_parents()
    {
        await using var move = await Pattern.CreateAsync(servers);
        await move.PromoteAsync(validate: false);

        await move.Shared.ExecuteAsync(
            "UPDATE attachments SET body = 'theirs' WHERE id = 6; INSERT INTO attachments VALUES (500, NULL, 1, NULL, 'x')"
        );
        foreach (
            var write in (string[])
                [
                    "UPDATE attachments SET body = 'x' WHERE id = 3",
                    "UPDATE attachments SET body = 'x' WHERE id = 8",
                    "UPDATE attachments SET task_id = 2 WHERE id = 6",
                    "INSERT INTO attachments VALUES (501, NULL, NULL, 1, 'x')",
                    "DELETE FROM lines WHERE id = 200",
                ]
        )
            Assert.Equal(
                "25006",
                (await Assert.ThrowsAsync<Npgsql.PostgresException>(() => move.Shared.ExecuteAsync(write))).SqlState
            );
    }

    [Fact]
    public async Task A_row_that_two_tenants_can_claim_is_refused_with_its_key()
    {
        await using var move = await Pattern.CreateAsync(servers);
        await move.Shared.ExecuteAsync("INSERT INTO attachments VALUES (600, NULL, 2, 2, 'of both')");

        var fault = Assert.Single((await move.PreflightAsync()).Faults);

        Assert.Contains("1 rows of public.attachments", fault);
        Assert.Contains("600", fault);
    }
}
