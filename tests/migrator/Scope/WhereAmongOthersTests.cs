using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.Scope;

/// <summary>A condition beside other rules: rows that are the tenant's by what they hold, or by what they name.</summary>
public sealed class WhereAmongOthersTests(Servers servers)
{
    // Even projects are tenant 1's. An import hangs on a project, names its tenant, or has it in its payload.
    const string Schema = """
        CREATE TABLE projects (id int PRIMARY KEY, tenant_id bigint NOT NULL);
        CREATE TABLE imports (id int PRIMARY KEY, project_id int REFERENCES projects DEFERRABLE, org_id bigint, payload jsonb);
        CREATE TABLE files (id int PRIMARY KEY, import_id int NOT NULL REFERENCES imports);
        INSERT INTO projects SELECT n, 1 + n % 2 FROM generate_series(1, 30) n;
        INSERT INTO imports SELECT n, CASE n % 3 WHEN 0 THEN n END, CASE n % 3 WHEN 1 THEN 1 + n % 2 END,
            CASE n % 3 WHEN 2 THEN jsonb_build_object('account', 1 + n % 2) END FROM generate_series(1, 30) n;
        INSERT INTO imports VALUES (100, NULL, NULL, NULL), (101, 2, 1, '{"account": 1}');
        INSERT INTO files SELECT id, id FROM imports;
        """;

    const string Imports = """
        project_id IN (SELECT id FROM projects WHERE tenant_id = 1) OR org_id = 1 OR payload ->> 'account' = '1'
        """;

    static readonly ScopePattern Pattern = new(
        "A condition among other rules",
        Schema,
        [
            ("projects", "tenant_id = 1"),
            ("imports", Imports),
            ("files", $"import_id IN (SELECT id FROM imports WHERE {Imports})"),
        ]
    );

    [Fact]
    public Task Rows_go_there_online_and_back_and_are_deleted() =>
        (
            Pattern with
            {
                // Rows change the way by which they are the tenant's, come, leave, and get an owner by the condition.
                Meanwhile = """
                    UPDATE imports SET project_id = NULL, payload = '{"account": 1}' WHERE id = 6;
                    UPDATE imports SET payload = '{"account": 2}' WHERE id = 2;
                    UPDATE imports SET payload = NULL, project_id = 4 WHERE id = 8;
                    UPDATE imports SET payload = '{"account": 1}' WHERE id IN (5, 100);
                    UPDATE imports SET payload = NULL, org_id = NULL WHERE id = 101;
                    UPDATE projects SET tenant_id = 2 WHERE id = 12; UPDATE projects SET tenant_id = 1 WHERE id = 9;
                    INSERT INTO imports VALUES (300, NULL, NULL, '{"account": 1}'), (301, NULL, NULL, '{"account": 2}');
                    INSERT INTO files VALUES (300, 300), (301, 301);
                    """,
                // Row 401 comes before its project, and its condition is false of everybody.
                There = """
                    BEGIN; SET CONSTRAINTS ALL DEFERRED; INSERT INTO imports VALUES (401, 400, NULL, '{"account": 77}');
                    INSERT INTO projects VALUES (400, 1); COMMIT;
                    UPDATE imports SET payload = '{"account": 1, "more": 2}' WHERE id = 14;
                    DELETE FROM files WHERE import_id = 18; DELETE FROM imports WHERE id = 18;
                    INSERT INTO imports VALUES (400, NULL, NULL, '{"account": 1}'); INSERT INTO files VALUES (400, 400);
                    """,
            }
        ).MoveAsync(servers);

    [Fact]
    public Task Rows_go_there_fenced() => (Pattern with { Mode = PromotionOptions.Fenced }).MoveAsync(servers);

    [Fact]
    public async Task The_guard_knows_the_condition_and_the_other_ways()
    {
        await using var move = await Pattern.CreateAsync(servers);
        await move.PromoteAsync(validate: false);

        await move.Shared.ExecuteAsync(
            """
            UPDATE imports SET payload = '{"account": 2, "x": 1}' WHERE id = 5;
            INSERT INTO imports VALUES (500, NULL, NULL, '{"account": 2}');
            """
        );
        foreach (
            var write in (string[])
                [
                    "UPDATE imports SET payload = '{\"account\": 1}' WHERE id = 5",
                    "UPDATE imports SET payload = NULL WHERE id = 2",
                    "INSERT INTO imports VALUES (501, NULL, NULL, '{\"account\": 1}')",
                    "INSERT INTO files VALUES (502, 2)",
                    "DELETE FROM imports WHERE id = 4",
                ]
        )
            Assert.Equal(
                "25006",
                (await Assert.ThrowsAsync<Npgsql.PostgresException>(() => move.Shared.ExecuteAsync(write))).SqlState
            );
    }

    // Row 600 hangs on tenant 1's project and has tenant 2 in its payload.
    [Fact]
    public async Task A_row_that_the_condition_gives_to_somebody_else_is_refused_with_its_key()
    {
        await using var move = await Pattern.CreateAsync(servers);
        Assert.Empty((await move.PreflightAsync()).Faults);
        await move.Shared.ExecuteAsync("INSERT INTO imports VALUES (600, 2, NULL, '{\"account\": 2}')");

        var fault = Assert.Single((await move.PreflightAsync()).Faults);

        Assert.Contains("1 rows of public.imports", fault);
        Assert.Contains("(600)", fault);
    }

    [Fact]
    public async Task A_condition_that_does_not_fit_is_refused_and_one_without_an_index_named()
    {
        await using var move = await Pattern.CreateAsync(servers);
        await move.Shared.ExecuteAsync(
            "INSERT INTO imports SELECT n FROM generate_series(1000, 12000) n; ANALYZE imports"
        );
        Assert.Contains(
            (await move.PreflightAsync()).Warnings,
            said =>
                said.Contains("ON \"public\".\"imports\" (((payload ->> 'account')::bigint))", StringComparison.Ordinal)
        );
        await using var other = await TenantMove.CreateAsync(
            servers,
            Schema,
            tenancy: ScopePattern.Parse(
                """{ "tables": { "public.imports": { "any_of": [{ "belongs_to": "public.projects" }, { "where": "id < random()" }] } } }"""
            )
        );

        Assert.Contains("random()", Assert.Single((await other.PreflightAsync()).Faults));
    }
}
