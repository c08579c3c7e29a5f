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
}
