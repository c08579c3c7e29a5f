using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.Scope;

/// <summary>Rows that are the tenant's, or are shared with it, because the tenant's rows name them.</summary>
public sealed class NamedRowsTests(Servers servers)
{
    const string Documents = """
        CREATE TABLE document_data (id int PRIMARY KEY, body text);
        CREATE TABLE documents (id int PRIMARY KEY, tenant_id bigint NOT NULL, data_id int REFERENCES document_data);
        INSERT INTO document_data SELECT n, 'secret ' || n FROM generate_series(1, 31) n;
        INSERT INTO documents SELECT n, 1 + n % 2, n FROM generate_series(1, 30) n;
        """;

    static readonly ScopePattern ByDocuments = new(
        "Rows that the tenant's rows name",
        Documents,
        [("document_data", "id IN (SELECT data_id FROM documents WHERE tenant_id = 1)"), ("documents", "tenant_id = 1")]
    );

    // Tenant 1's members are the even users, tenant 2's the odd ones, and users 3 and 6 are members of both.
    const string Users = """
        CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE, current_tenant_id bigint REFERENCES tenants);
        CREATE TABLE memberships (tenant_id bigint NOT NULL REFERENCES tenants, user_id int NOT NULL REFERENCES users,
            role text, PRIMARY KEY (tenant_id, user_id));
        CREATE TABLE tasks (id int PRIMARY KEY, tenant_id bigint NOT NULL, assignee_id int REFERENCES users);
        CREATE TABLE sessions (id int PRIMARY KEY, user_id int NOT NULL REFERENCES users, token text);
        INSERT INTO users SELECT n, 'u' || n || '@x', 1 + n % 2 FROM generate_series(1, 30) n;
        INSERT INTO memberships SELECT 1 + n % 2, n, 'm' FROM generate_series(1, 30) n;
        INSERT INTO memberships VALUES (1, 3, 'guest'), (2, 6, 'guest');
        INSERT INTO tasks SELECT n, 1, CASE WHEN n < 5 THEN n * 2 END FROM generate_series(1, 10) n;
        INSERT INTO sessions SELECT n, n, 'secret' FROM generate_series(1, 30) n;
        """;

    const string Members = """
        id IN (SELECT user_id FROM memberships WHERE tenant_id = 1)
        OR id IN (SELECT assignee_id FROM tasks WHERE tenant_id = 1)
        """;

    static readonly ScopePattern ByMembership = new(
        "Users of several tenants",
        Users,
        [("memberships", "tenant_id = 1"), ("tasks", "tenant_id = 1")]
    )
    {
        There = """
            INSERT INTO users VALUES (400, 'there@x', NULL); INSERT INTO memberships VALUES (1, 400, 'm');
            UPDATE tasks SET assignee_id = 400 WHERE id = 1;
            """,
    };

    const string UsersOfBoth = "SELECT id || ' ' || email FROM users";

    [Fact]
    public Task Rows_go_there_with_those_that_name_them_and_back_and_are_deleted() =>
        (
            ByDocuments with
            {
                // Rows begin to be named and cease to be; rows of others change theirs.
                Meanwhile = """
                    UPDATE document_data SET body = 'changed' WHERE id IN (2, 3);
                    UPDATE documents SET data_id = 31 WHERE id = 4;
                    DELETE FROM documents WHERE id = 6;
                    UPDATE documents SET tenant_id = 2 WHERE id = 8; UPDATE documents SET tenant_id = 1 WHERE id = 9;
                    INSERT INTO document_data VALUES (100, 'new'), (101, 'new'), (102, 'nobody''s');
                    INSERT INTO documents VALUES (100, 1, 100), (101, 2, 101);
                    """,
                There = """
                    UPDATE document_data SET body = 'there' WHERE id = 10;
                    DELETE FROM documents WHERE id = 12; DELETE FROM document_data WHERE id = 12;
                    INSERT INTO document_data VALUES (300, 'there'); INSERT INTO documents VALUES (300, 1, 300);
                    """,
            }
        ).MoveAsync(servers);

    [Fact]
    public Task Rows_go_there_fenced_with_those_that_name_them() =>
        (ByDocuments with { Mode = PromotionOptions.Fenced }).MoveAsync(servers);

    [Fact]
    public async Task A_row_that_two_tenants_name_is_refused_with_its_key()
    {
        await using var move = await ByDocuments.CreateAsync(servers);
        await move.Shared.ExecuteAsync("INSERT INTO documents VALUES (600, 2, 14)");

        var faults = (await move.PreflightAsync()).Faults;

        Assert.Contains(
            faults,
            fault => fault.Contains("rows of public.document_data", StringComparison.Ordinal) && fault.Contains("(14)")
        );
    }

    [Fact]
    public async Task A_table_whose_rows_belong_to_one_row_each_is_no_reference_table()
    {
        await using var move = await CreateByReferenceAsync();
        await move.Shared.ExecuteAsync("ALTER TABLE documents ADD UNIQUE (data_id)");

        var fault = Assert.Single((await move.PreflightAsync()).Faults);

        Assert.Contains("15 of the rows belong to rows that are not this tenant's", fault);
        Assert.Contains(
            """
            "public.document_data": { "named_by": ["public.documents.data_id"] }
            """,
            fault
        );
    }

    [Fact]
    public async Task Reference_rows_that_only_others_name_are_counted_before_and_after()
    {
        await using var move = await CreateByReferenceAsync();

        Assert.Single(
            (await move.PreflightAsync()).Warnings,
            said => said.Contains("public.document_data (15 of 31 rows)", StringComparison.Ordinal)
        );
        await move.PromoteAsync();

        Assert.Contains(
            "no row of the tenant names 16 of 31 rows of public.document_data (rows of other tenants name 15)",
            Assert.Single(move.Watched.Checks, check => check.Name == "no row of another tenant").Detail
        );
    }

    Task<TenantMove> CreateByReferenceAsync() =>
        TenantMove.CreateAsync(servers, Documents, tenancy: new() { Reference = [new("public", "document_data")] });

    [Fact]
    public async Task The_guard_knows_what_the_tenants_rows_name()
    {
        await using var move = await ByDocuments.CreateAsync(servers);
        await move.PromoteAsync(validate: false);

        await move.Shared.ExecuteAsync(
            """
            UPDATE document_data SET body = 'theirs' WHERE id = 3; UPDATE document_data SET body = 'x' WHERE id = 31;
            INSERT INTO document_data VALUES (500, 'theirs'); INSERT INTO documents VALUES (500, 2, 500);
            """
        );
        foreach (
            var write in (string[])
                ["UPDATE document_data SET body = 'x' WHERE id = 2", "UPDATE documents SET data_id = 2 WHERE id = 2"]
        )
            Assert.Equal(
                "25006",
                (await Assert.ThrowsAsync<Npgsql.PostgresException>(() => move.Shared.ExecuteAsync(write))).SqlState
            );
    }

    [Theory]
    [InlineData(PromotionOptions.Online)]
    [SoakData(PromotionOptions.Fenced)]
    public Task Memberships_move_while_their_users_stay_shared(string mode) =>
        (ByMembership with { Mode = mode }).MoveAsync(servers);

    [Fact]
    public async Task Users_that_the_tenants_rows_name_are_copied_and_no_others()
    {
        await using var move = await ByMembership.CreateAsync(servers);

        await move.PromoteMeddledAsync(
            PhaseName.CatchUp,
            () =>
                move.Shared.ExecuteAsync(
                    """
                    INSERT INTO users VALUES (100, 'new@x', 2), (101, 'theirs@x', 2), (102, 'assigned@x', 2);
                    INSERT INTO memberships VALUES (1, 100, 'm'), (2, 101, 'm');
                    UPDATE tasks SET assignee_id = 102 WHERE id = 9;
                    UPDATE users SET email = 'changed' || id WHERE id IN (4, 5, 6);
                    DELETE FROM memberships WHERE (tenant_id, user_id) = (1, 10);
                    UPDATE memberships SET tenant_id = 1 WHERE (tenant_id, user_id) = (2, 11);
                    """
                )
        );

        Assert.Equal(
            await move.Shared.QueryAsync<string>($"{UsersOfBoth} WHERE {Members} ORDER BY 1"),
            await move.Isolated.QueryAsync<string>($"{UsersOfBoth} ORDER BY 1")
        );
        Assert.Equal(0, await move.Isolated.ScalarAsync<long>("SELECT count(current_tenant_id) FROM users"));
        // No guard protects what other tenants use too; finalize leaves it, and a rollback brings home who is new.
        await move.Shared.ExecuteAsync("UPDATE users SET email = 'here' WHERE id = 6");
        await move.Isolated.ExecuteAsync(
            """
            UPDATE users SET email = 'there' WHERE id = 3;
            INSERT INTO users VALUES (400, 'invited@x'); INSERT INTO memberships VALUES (1, 400, 'm');
            INSERT INTO users VALUES (401, 'stays@x');
            """
        );
        await move.RollBackAsync();
        Assert.Equal(
            ["3 u3@x", "400 invited@x", "6 here"],
            await move.Shared.QueryAsync<string>($"{UsersOfBoth} WHERE id IN (3, 6, 400, 401) ORDER BY 1")
        );
        Assert.Contains(move.Watched.Warnings, said => said.Contains("public.users", StringComparison.Ordinal));
        await move.PromoteAsync();
        var before = await move.Shared.QueryAsync<string>($"{UsersOfBoth} ORDER BY 1");
        await move.FinalizeAsync();
        Assert.Equal(before, await move.Shared.QueryAsync<string>($"{UsersOfBoth} ORDER BY 1"));
    }

    // Behind the last comparison: the pause itself fetches who has joined.
    [Fact]
    public async Task A_member_who_joins_at_the_last_moment_is_there()
    {
        await using var move = await ByMembership.CreateAsync(servers);

        await move.PromoteMeddledAsync(
            PhaseName.CutOver,
            () => move.Shared.ExecuteAsync("INSERT INTO memberships VALUES (1, 15, 'late')")
        );

        Assert.Equal("u15@x", await move.Isolated.ScalarAsync<string>("SELECT email FROM users WHERE id = 15"));
    }

    [Fact]
    public async Task A_user_who_is_named_by_another_column_is_refused()
    {
        await using var move = await ByMembership.CreateAsync(servers);
        await move.Shared.ExecuteAsync(
            "ALTER TABLE tasks ADD reviewer_id int REFERENCES users; UPDATE tasks SET reviewer_id = 5 WHERE id = 1"
        );

        var fault = Assert.Single((await move.PreflightAsync()).Faults);

        Assert.Contains("tasks_reviewer_id_fkey", fault);
    }

    [Fact]
    public async Task Rules_about_naming_that_do_not_fit_are_told_all_at_once()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            Users,
            tenancy: ScopePattern.Parse(
                """
                { "tables": {
                  "users": { "shared_through": ["public.members.user_id", "public.tasks.owner", "public.tasks.assignee_id"],
                             "blank": ["missing", "id"] },
                  "sessions": { "named_by": ["public.memberships.role"] } } }
                """
            )
        );

        var faults = (await move.PreflightAsync()).Faults;

        foreach (
            var expected in (string[])
                [
                    "public.users in tenancy.json (line 2, column 12) does not fit: there is no table public.members",
                    "there is no column public.tasks.owner",
                    "there is no column missing",
                    "id cannot be null",
                    "public.memberships.role does not compare with the key of public.sessions",
                ]
        )
            Assert.Single(faults, fault => fault.Contains(expected, StringComparison.Ordinal));
    }
}
