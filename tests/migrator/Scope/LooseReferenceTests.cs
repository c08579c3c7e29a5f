using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.Scope;

/// <summary>Parents that no foreign key enforces: by columns of the row, or by a column of type.</summary>
public sealed class LooseReferenceTests(Servers servers)
{
    // Odd posts and photos are tenant 2's, even ones tenant 1's. Likes hang on comments by a foreign key.
    const string Schema = """
        CREATE TABLE posts (id int PRIMARY KEY, tenant_id bigint NOT NULL);
        CREATE TABLE photos (id int PRIMARY KEY, tenant_id bigint NOT NULL);
        CREATE TABLE announcements (id int PRIMARY KEY);
        CREATE TABLE comments (id int PRIMARY KEY, subject_type varchar(20) NOT NULL, subject_id bigint, body text);
        CREATE TABLE likes (id int PRIMARY KEY, comment_id int NOT NULL REFERENCES comments ON DELETE CASCADE);
        CREATE INDEX ON comments (subject_id);
        INSERT INTO posts SELECT n, 1 + n % 2 FROM generate_series(1, 30) n;
        INSERT INTO photos SELECT n, 1 + n % 2 FROM generate_series(1, 30) n;
        INSERT INTO announcements VALUES (2);
        INSERT INTO comments SELECT n, CASE n % 2 WHEN 0 THEN 'Post' ELSE 'Photo' END, n % 30 + 1, 'b'
            FROM generate_series(1, 90) n;
        INSERT INTO comments VALUES (200, 'Post', 999, 'nobody''s'), (201, 'Announcement', 2, 'of all'),
            (202, 'Post', NULL, 'nobody''s');
        INSERT INTO likes SELECT id, id FROM comments;
        """;

    const string Comments = """
        subject_type = 'Post' AND subject_id IN (SELECT id FROM posts WHERE tenant_id = 1)
        OR subject_type = 'Photo' AND subject_id IN (SELECT id FROM photos WHERE tenant_id = 1)
        """;

    static readonly ScopePattern ByType = new(
        "A parent whose table a column names",
        Schema,
        [
            ("posts", "tenant_id = 1"),
            ("photos", "tenant_id = 1"),
            ("comments", Comments),
            ("likes", $"comment_id IN (SELECT id FROM comments WHERE {Comments})"),
        ]
    );

    static readonly Settings.Tenancy Tenancy = ScopePattern.TenancyOf("A parent whose table a column names") with
    {
        Ignored = [new("public", "announcements")],
    };

    [Fact]
    public Task Rows_of_several_types_go_there_online_and_back_and_are_deleted() =>
        (
            ByType with
            {
                Tenancy = Tenancy,
                // Types and ids change; a parent goes without its rows; a parent comes to rows that were nobody's; rows come
                // before their parent and after it, in one transaction and in several.
                Meanwhile = """
                    UPDATE comments SET subject_type = 'Photo' WHERE id = 2;
                    UPDATE comments SET subject_type = 'Photo', subject_id = 4 WHERE id = 3;
                    UPDATE comments SET subject_id = 5 WHERE id = 9;
                    DELETE FROM photos WHERE id = 12;
                    UPDATE posts SET tenant_id = 2 WHERE id = 16; UPDATE posts SET tenant_id = 1 WHERE id = 17;
                    INSERT INTO posts VALUES (999, 1);
                    INSERT INTO comments VALUES (300, 'Post', 500, 'early'); INSERT INTO likes VALUES (300, 300);
                    INSERT INTO posts VALUES (500, 1);
                    BEGIN;
                    INSERT INTO comments VALUES (301, 'Photo', 501, 'early'); INSERT INTO photos VALUES (501, 1);
                    INSERT INTO comments VALUES (302, 'Photo', 501, 'late');
                    COMMIT;
                    BEGIN;
                    INSERT INTO comments VALUES (303, 'Photo', 18, 'short'); DELETE FROM photos WHERE id = 18;
                    COMMIT;
                    UPDATE comments SET body = 'still nobody''s' WHERE id = 202;
                    """,
                There = """
                    UPDATE comments SET subject_type = 'Photo', subject_id = 4 WHERE id = 15;
                    DELETE FROM comments WHERE subject_type = 'Photo' AND subject_id = 6; DELETE FROM photos WHERE id = 6;
                    INSERT INTO posts VALUES (700, 1); INSERT INTO comments VALUES (700, 'Post', 700, 'there');
                    INSERT INTO likes VALUES (700, 700);
                    """,
            }
        ).MoveAsync(servers);

    [Fact]
    public Task Rows_of_several_types_go_there_fenced() =>
        (ByType with { Tenancy = Tenancy, Mode = PromotionOptions.Fenced }).MoveAsync(servers);

    // Behind the last comparison, so that nothing but the stream and the pause can settle it.
    [Theory]
    [InlineData("DELETE FROM photos WHERE id = 12", "SELECT count(*) FROM comments WHERE subject_id = 12", 0)]
    [InlineData("INSERT INTO posts VALUES (999, 1)", "SELECT count(*) FROM likes WHERE comment_id = 200", 1)]
    public async Task What_a_parent_does_alone_reaches_its_rows(string write, string query, long rows)
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema, tenancy: Tenancy);
        await move.Shared.ExecuteAsync("DELETE FROM comments WHERE subject_type = 'Post' AND subject_id = 12");

        await move.PromoteMeddledAsync(PhaseName.CutOver, () => move.Shared.ExecuteAsync(write));

        Assert.Equal(rows, await move.Isolated.ScalarAsync<long>(query));
    }

    // Each table is copied as of a moment of its own: likes before the post came, comments after that.
    [Fact]
    public async Task What_hangs_below_a_row_comes_whose_parent_came_while_tables_were_copied()
    {
        const string largerSoCopiedFirst =
            "ALTER TABLE likes ADD note text; UPDATE likes SET note = repeat('x', 1900); ANALYZE;";
        await using var move = await TenantMove.CreateAsync(servers, Schema + largerSoCopiedFirst, tenancy: Tenancy);
        var options = move.Options() with { Jobs = 1 };
        await move.PromoteAsync(stopBefore: PhaseName.CopyData);
        await move.Isolated.ExecuteAsync("ALTER TABLE comments ADD CONSTRAINT full_disk CHECK (false)");
        var failure = await Assert.ThrowsAsync<MigratorException>(() => move.PromoteAsync(options));
        Assert.Contains("full_disk", failure.Message);
        Assert.NotEqual(0, await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM likes"));
        await move.Isolated.ExecuteAsync("ALTER TABLE comments DROP CONSTRAINT full_disk");
        await move.Shared.ExecuteAsync("INSERT INTO posts VALUES (999, 1)");

        await move.PromoteAsync(options);

        Assert.Equal(1, await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM likes WHERE comment_id = 200"));
    }

    [Fact]
    public async Task Types_that_the_rule_does_not_know_are_refused_with_their_rows()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            Schema + "INSERT INTO comments VALUES (800, 'Video', 1), (801, 'Video', 2), (802, 'Story', 1);",
            tenancy: Tenancy
        );

        var fault = Assert.Single((await move.PreflightAsync()).Faults);

        Assert.Contains("Video (2 rows), Story (1 rows)", fault);
    }

    [Fact]
    public async Task The_guard_knows_the_rows_by_their_type()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema, tenancy: Tenancy);
        await move.PromoteAsync(validate: false);

        // Post 2 is the tenant's, photo 3 and announcement 2 are not, and post 998 is nobody's.
        await move.Shared.ExecuteAsync(
            """
            INSERT INTO comments VALUES (900, 'Photo', 3), (901, 'Announcement', 2), (902, 'Post', 998);
            UPDATE comments SET body = 'theirs' WHERE id = 200;
            """
        );
        foreach (
            var write in (string[])
                [
                    "INSERT INTO comments VALUES (903, 'Post', 2)",
                    "UPDATE comments SET subject_type = 'Post' WHERE id = 901",
                    "UPDATE comments SET subject_id = 998 WHERE subject_type = 'Photo' AND subject_id = 4",
                    "DELETE FROM comments WHERE subject_type = 'Photo' AND subject_id = 4",
                ]
        )
            Assert.Equal(
                "25006",
                (await Assert.ThrowsAsync<Npgsql.PostgresException>(() => move.Shared.ExecuteAsync(write))).SqlState
            );
    }

    // A child without a foreign key, as frameworks without constraints make them.
    [Fact]
    public Task Children_without_foreign_keys_go_there_online_and_back_and_are_deleted() =>
        new ScopePattern(
            "A parent, with or without a foreign key",
            """
            CREATE TABLE orders (shop int, number int, tenant_id bigint NOT NULL, PRIMARY KEY (shop, number));
            CREATE TABLE lines (id int PRIMARY KEY, shop_id int, order_number int, name text);
            CREATE TABLE notes (id int PRIMARY KEY, line_id int REFERENCES lines);
            INSERT INTO orders SELECT n % 3, n, 1 + n % 2 FROM generate_series(1, 20) n;
            INSERT INTO lines SELECT n * 10 + m, n % 3, n, 'n' FROM generate_series(1, 20) n, generate_series(1, 3) m;
            INSERT INTO lines VALUES (900, 1, 999, 'nobody''s'), (901, NULL, 1, 'nobody''s');
            INSERT INTO notes SELECT id, id FROM lines;
            """,
            [
                ("orders", "tenant_id = 1"),
                ("lines", "(shop_id, order_number) IN (SELECT shop, number FROM orders WHERE tenant_id = 1)"),
                (
                    "notes",
                    """
                    line_id IN (SELECT id FROM lines
                                WHERE (shop_id, order_number) IN (SELECT shop, number FROM orders WHERE tenant_id = 1))
                    """
                ),
            ]
        )
        {
            Meanwhile = """
                DELETE FROM orders WHERE number = 2;
                UPDATE orders SET number = 40 WHERE number = 4;
                UPDATE orders SET number = 999, shop = 1 WHERE number = 6;
                UPDATE lines SET name = 'changed' WHERE id = 81;
                UPDATE orders SET tenant_id = 2 WHERE number = 10;
                """,
            There = """
                UPDATE lines SET shop_id = 8 % 3, order_number = 8 WHERE id = 121;
                INSERT INTO orders VALUES (7, 70, 1); INSERT INTO lines VALUES (700, 7, 70, 'new');
                INSERT INTO notes VALUES (700, 700);
                """,
        }.MoveAsync(servers);
}
