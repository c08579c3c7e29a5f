using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.Scope;

/// <summary>Where a rule of tenancy.json would help, the refusal has it, ready to paste.</summary>
public sealed class OfferedRulesTests(Servers servers)
{
    [Fact]
    public async Task The_refusal_of_people_with_a_present_tenant_has_the_rule_that_lets_them_travel()
    {
        const string rule = """{ "shared_through": ["public.memberships.user_id"], "blank": ["current_tenant_id"] }""";
        const string people = """
            CREATE TABLE users (id int PRIMARY KEY, current_tenant_id bigint REFERENCES tenants);
            CREATE TABLE memberships (tenant_id bigint NOT NULL REFERENCES tenants, user_id int NOT NULL REFERENCES users,
                PRIMARY KEY (tenant_id, user_id));
            INSERT INTO users SELECT n, 1 + n % 2 FROM generate_series(1, 30) n;
            INSERT INTO memberships SELECT 1 + n % 2, n FROM generate_series(1, 30) n;
            """;
        await using var refused = await TenantMove.CreateAsync(
            servers,
            people,
            tenancy: new() { Reference = [TableName.Parse("public.users")] }
        );

        var fault = Assert.Single((await refused.PreflightAsync()).Faults);

        Assert.Contains($"\"public.users\": {rule} under \"tables\"", fault);
        Assert.DoesNotContain("\"public.tenants\"", fault);
        var cured = ScopePattern.Parse($$"""{ "tables": { "public.users": {{rule}} } }""");
        await using var move = await TenantMove.CreateAsync(servers, people, tenancy: cured);
        Assert.Empty((await move.PreflightAsync()).Faults);
    }

    [Fact]
    public async Task The_refusal_of_rows_with_one_of_two_parents_has_the_rule_for_them()
    {
        const string rule = """{ "any_of": [{ "belongs_to": "public.comments" }, { "belongs_to": "public.tasks" }] }""";
        const string arc = """
            CREATE TABLE tasks (id int PRIMARY KEY, tenant_id bigint NOT NULL);
            CREATE TABLE comments (id int PRIMARY KEY, tenant_id bigint NOT NULL);
            CREATE TABLE files (id int PRIMARY KEY, comment_id int REFERENCES comments, task_id int REFERENCES tasks,
                CHECK (num_nonnulls(comment_id, task_id) = 1));
            INSERT INTO tasks SELECT n, 1 + n % 2 FROM generate_series(1, 10) n;
            INSERT INTO comments SELECT n, 1 + n % 2 FROM generate_series(1, 10) n;
            INSERT INTO files SELECT n, n, NULL FROM generate_series(1, 5) n;
            INSERT INTO files SELECT n, NULL, n FROM generate_series(6, 10) n;
            """;
        await using var refused = await TenantMove.CreateAsync(servers, arc);

        var fault = Assert.Single((await refused.PreflightAsync()).Faults);

        Assert.Contains($"\"public.files\": {rule} under \"tables\"", fault);
        var cured = ScopePattern.Parse($$"""{ "tables": { "public.files": {{rule}} } }""");
        await using var move = await TenantMove.CreateAsync(servers, arc, tenancy: cured);
        Assert.Empty((await move.PreflightAsync()).Faults);
    }

    [Fact]
    public async Task A_parent_that_no_foreign_key_names_is_refused_once_with_the_rule_for_it()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            """
            CREATE TABLE licenses (id int PRIMARY KEY, tenant_id bigint NOT NULL);
            CREATE TABLE machines (id int PRIMARY KEY, license_id int NOT NULL);
            """,
            tenancy: new()
            {
                Derived = new Dictionary<TableName, string> { [new("public", "machines")] = "license_id" },
            }
        );

        var fault = Assert.Single((await move.PreflightAsync()).Faults);

        Assert.Contains(
            "\"public.machines\": { \"belongs_to\": \"schema.parent\", \"by\": { \"license_id\": \"id\" } }",
            fault
        );
    }

    // The columns of the present rule, of which a foreign key need not tell, and those that are missing in it.
    [Fact]
    public async Task The_refusal_of_people_who_would_stay_behind_has_every_column_that_names_them()
    {
        const string names =
            """["public.memberships.user_id", "public.tasks.assignee_id", "public.tasks.reviewer_id"]""";
        const string people = """
            CREATE TABLE users (id int PRIMARY KEY, last_tenant_id bigint REFERENCES tenants);
            CREATE TABLE memberships (tenant_id bigint NOT NULL, user_id int NOT NULL REFERENCES users,
                PRIMARY KEY (tenant_id, user_id));
            CREATE TABLE tasks (id int PRIMARY KEY, tenant_id bigint NOT NULL, assignee_id int,
                reviewer_id int REFERENCES users);
            CREATE TABLE tokens (id int PRIMARY KEY, user_id int NOT NULL REFERENCES users);
            INSERT INTO users SELECT n, 1 + n % 2 FROM generate_series(1, 30) n;
            INSERT INTO memberships SELECT 1 + n % 2, n FROM generate_series(1, 30) n;
            INSERT INTO tasks SELECT n, 1, 2, 3 FROM generate_series(1, 5) n;
            """;
        await RequireAsync(
            people,
            """
            { "tables": { "public.users": { "shared_through": ["public.memberships.user_id", "public.tasks.assignee_id"],
                                            "blank": ["last_tenant_id"] },
                          "public.tokens": "ignored" } }
            """,
            $$"""{ "shared_through": {{names}}, "blank": ["last_tenant_id"] }""",
            rule => $$"""{ "tables": { "public.users": {{rule}}, "public.tokens": "ignored" } }"""
        );
    }

    [Fact]
    public async Task The_refusal_of_a_document_that_two_tenants_name_has_the_rule_that_shares_it()
    {
        const string documents = """
            CREATE TABLE document_data (id int PRIMARY KEY, body text);
            CREATE TABLE documents (id int PRIMARY KEY, tenant_id bigint NOT NULL, data_id int REFERENCES document_data);
            INSERT INTO document_data SELECT n, 'b' FROM generate_series(1, 10) n;
            INSERT INTO documents SELECT n, 1 + n % 2, n FROM generate_series(1, 10) n; INSERT INTO documents VALUES (20, 2, 4);
            """;
        await RequireAsync(
            documents,
            """{ "tables": { "public.document_data": { "named_by": ["public.documents.data_id"] } } }""",
            """{ "shared_through": ["public.documents.data_id"] }""",
            rule => $$"""{ "tables": { "public.document_data": {{rule}} } }"""
        );
    }

    [Fact]
    public async Task The_refusal_of_types_that_the_rule_does_not_know_has_what_to_add()
    {
        const string comments = """
            CREATE TABLE posts (id int PRIMARY KEY, tenant_id bigint NOT NULL);
            CREATE TABLE photos (id int PRIMARY KEY, tenant_id bigint NOT NULL);
            CREATE TABLE comments (id int PRIMARY KEY, subject_type text NOT NULL, subject_id int NOT NULL);
            INSERT INTO posts VALUES (1, 1); INSERT INTO photos VALUES (1, 2);
            INSERT INTO comments VALUES (1, 'Post', 1), (2, 'Photo', 1);
            """;
        static string Types(string to) =>
            $$"""{ "tables": { "public.comments": { "by_type": { "type": "subject_type", "id": "subject_id", "to": { {{to}} } } } } }""";
        const string post = "\"Post\": \"public.posts\"";
        await RequireAsync(
            comments,
            Types(post),
            "\"Photo\": \"public.photos\"",
            entry => Types($"{post}, {entry}"),
            "(line 1, column 34)"
        );
    }

    [Fact]
    public async Task The_refusal_of_tables_that_no_rule_covers_has_a_line_for_each()
    {
        const string machines = """
            CREATE TABLE licenses (id int PRIMARY KEY, tenant_id bigint NOT NULL);
            CREATE TABLE machines (id int PRIMARY KEY, license_id int NOT NULL);
            CREATE TABLE codes (code text);
            INSERT INTO licenses VALUES (1, 1), (2, 2); INSERT INTO machines VALUES (1, 1), (2, 2);
            """;
        await RequireAsync(
            machines,
            "{}",
            """{ "belongs_to": "public.licenses", "by": { "license_id": "id" } }""",
            rule => $$"""{ "tables": { "public.machines": {{rule}} }, "reference": ["public.codes"] }""",
            "\"reference\": [\"public.codes\"]"
        );
    }

    async Task RequireAsync(
        string schema,
        string before,
        string offered,
        Func<string, string> cured,
        string besides = ""
    )
    {
        await using var refused = await TenantMove.CreateAsync(servers, schema, tenancy: ScopePattern.Parse(before));

        Assert.Contains(
            (await refused.PreflightAsync()).Faults,
            fault =>
                fault.Contains(offered, StringComparison.Ordinal) && fault.Contains(besides, StringComparison.Ordinal)
        );
        await using var move = await TenantMove.CreateAsync(
            servers,
            schema,
            tenancy: ScopePattern.Parse(cured(offered))
        );
        Assert.Empty((await move.PreflightAsync()).Faults);
    }
}
