using Migrator.Model;
using Migrator.Scope;
using Migrator.Tests.Support;

namespace Migrator.Tests.Scope;

/// <summary>Rows that are the tenant's by a condition on their own columns.</summary>
public sealed class WhereTests(Servers servers)
{
    const string Section = "A condition of your own";

    // Even jobs are tenant 1's. Steps hang on jobs. A name that is a keyword, and a column that is called like a variable.
    const string Schema = """
        CREATE TABLE jobs (id int PRIMARY KEY, payload jsonb, ours text, "order" int);
        CREATE TABLE steps (id int PRIMARY KEY, job_id int NOT NULL REFERENCES jobs ON DELETE CASCADE, body text);
        INSERT INTO jobs SELECT n, jsonb_build_object('account', 1 + n % 2), 'o', n FROM generate_series(1, 30) n;
        INSERT INTO jobs VALUES (100, NULL, 'nobody''s', 1), (101, '{}', 'nobody''s', 1);
        INSERT INTO steps SELECT id, id, 's' FROM jobs;
        """;

    const string Jobs = "payload ->> 'account' = '1'";

    static readonly ScopePattern Pattern = new(
        Section,
        Schema,
        [("jobs", Jobs), ("steps", $"job_id IN (SELECT id FROM jobs WHERE {Jobs})")]
    );

    [Fact]
    public Task Rows_of_a_condition_go_there_online_and_back_and_are_deleted() =>
        (
            Pattern with
            {
                // Rows that come, leave, come and leave again, and change without either; nobody's gets an owner.
                Meanwhile = """
                    UPDATE jobs SET payload = '{"account": 2}' WHERE id = 2;
                    UPDATE jobs SET payload = '{"account": 1}' WHERE id = 3;
                    UPDATE jobs SET payload = '{"account": 1, "more": 5}', ours = 'x' WHERE id = 4;
                    UPDATE jobs SET payload = '{"account": 2}' WHERE id = 6;
                    UPDATE steps SET body = 'abroad' WHERE id = 6;
                    UPDATE jobs SET payload = '{"account": 1}' WHERE id = 6;
                    UPDATE jobs SET payload = '{"account": 1}' WHERE id = 100;
                    UPDATE jobs SET payload = NULL WHERE id = 8;
                    INSERT INTO jobs VALUES (300, '{"account": 1}'), (301, '{"account": 2}');
                    INSERT INTO steps VALUES (300, 300), (301, 301);
                    DELETE FROM jobs WHERE id = 10; UPDATE steps SET job_id = 12 WHERE id = 13;
                    """,
                There = """
                    UPDATE jobs SET ours = 'there' WHERE id = 12; DELETE FROM jobs WHERE id = 14;
                    INSERT INTO jobs VALUES (400, '{"account": 1}'); INSERT INTO steps VALUES (400, 400, 'there');
                    """,
            }
        ).MoveAsync(servers);

    [Fact]
    public Task Rows_of_a_condition_go_there_fenced() =>
        (Pattern with { Mode = PromotionOptions.Fenced }).MoveAsync(servers);

    // A column names the tenant, or the path begins with its slug.
    static ScopePattern Paths(string more) =>
        new(
            "",
            $"""
            CREATE TABLE exports (id int PRIMARY KEY, org_id bigint, path text);
            INSERT INTO exports SELECT n, NULL, (SELECT slug FROM tenants WHERE id = n % 2 + 1) || '/' || n FROM generate_series(1, 30) n;
            INSERT INTO exports VALUES (100, 1, NULL), (101, 2, '/'), (102, NULL, 'nobody/7'); {more}
            """,
            [("exports", "org_id = 1 OR starts_with(path, (SELECT slug FROM tenants WHERE id = 1) || '/')")]
        )
        {
            Tenancy = ScopePattern.Parse(
                """
                { "tables": { "public.exports": { "any_of": [
                    { "tenant": "org_id" }, { "where": "split_part(path, '/', 1) = :slug" }] } } }
                """
            ),
        };

    [Fact]
    public Task A_condition_names_the_tenant_by_its_slug() =>
        (
            Paths("") with
            {
                Meanwhile = """
                    UPDATE exports SET path = 'nobody/2' WHERE id = 2;
                    UPDATE exports SET path = (SELECT slug FROM tenants WHERE id = 1) || '/x' WHERE id IN (3, 102);
                    """,
                There = "UPDATE exports SET path = path || '/there' WHERE id = 4; DELETE FROM exports WHERE id = 6;",
            }
        ).MoveAsync(servers);

    [Fact]
    public async Task A_row_of_the_tenant_whose_slug_is_anothers_is_refused()
    {
        await using var move = await Paths("").CreateAsync(servers);
        await move.Shared.ExecuteAsync("UPDATE tenants SET slug = 'It''s :slug' WHERE id = 2");
        await move.Shared.ExecuteAsync(
            "UPDATE exports SET path = (SELECT slug FROM tenants WHERE id = 2) WHERE id = 100"
        );

        var fault = Assert.Single((await move.PreflightAsync()).Faults);

        Assert.Contains("public.exports", fault);
        Assert.Contains("100", fault);
    }

    // With more others than a statement names. Whoever compares a value with the key, and says no more, need not ask.
    [Fact]
    public async Task A_row_for_which_the_condition_of_two_tenants_is_true_is_refused_with_its_key()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            """
            CREATE TABLE shares (id int PRIMARY KEY, owner bigint, accounts text);
            INSERT INTO tenants (id, slug) SELECT n, 's' || n FROM generate_series(3, 1500) n;
            INSERT INTO shares SELECT n, n, n || ',' || n + 10000 FROM generate_series(1, 1500) n;
            """,
            tenancy: ScopePattern.Parse(
                """{ "tables": { "public.shares": { "where": ":tenant = ANY (string_to_array(accounts, ','))" } } }"""
            )
        );
        Assert.Empty((await move.PreflightAsync()).Faults);
        await move.Shared.ExecuteAsync(
            "INSERT INTO shares VALUES (5000, 1, '1,1400'), (5001, 1, '7,1'), (5002, 2, '2,3'), (5003, 1, '1,9999')"
        );

        var fault = Assert.Single((await move.PreflightAsync()).Faults);

        Assert.Contains("public.shares", fault);
        Assert.Contains("1 rows", fault);
        Assert.Contains("(5001)", fault);
        Assert.DoesNotContain("5002", fault);
        Assert.DoesNotContain("5003", fault);
        await move.Shared.ExecuteAsync("DELETE FROM shares WHERE id = 5001");
        Assert.Contains("(5000)", Assert.Single((await move.PreflightAsync()).Faults));
    }

    [Fact]
    public async Task The_guard_knows_the_condition()
    {
        await using var move = await Pattern.CreateAsync(servers);
        await move.PromoteAsync(validate: false);

        await move.Shared.ExecuteAsync(
            """
            UPDATE jobs SET ours = 'theirs' WHERE id IN (1, 101); INSERT INTO jobs VALUES (500, '{"account": 2}');
            INSERT INTO steps VALUES (500, 500);
            """
        );
        foreach (
            var write in (string[])
                [
                    "UPDATE jobs SET ours = 'x' WHERE id = 2",
                    "UPDATE jobs SET payload = '{\"account\": 1}' WHERE id = 1",
                    "INSERT INTO jobs VALUES (501, '{\"account\": 1}')",
                    "DELETE FROM jobs WHERE id = 2",
                    "INSERT INTO steps VALUES (502, 2)",
                ]
        )
            Assert.Equal(
                "25006",
                (await Assert.ThrowsAsync<Npgsql.PostgresException>(() => move.Shared.ExecuteAsync(write))).SqlState
            );
    }

    static readonly (string Condition, string Why)[] Unfit =
    [
        ("id = 1; DROP TABLE jobs", "without comments"),
        ("id = 1) OR (id = 2", "without comments"),
        ("id = 1 -- x", "without comments"),
        (":tenant = '1'", "on columns of the table itself"),
        ("nothing = 1 AND id = 1", "column \"nothing\" does not exist"),
        ("id + 1", "must be type boolean"),
        ("count(id) > 1", "aggregate functions are not allowed in WHERE"),
        ("id < random() * 10", "random()"),
        ("ours::date < '2020-01-01'", "date"),
        ("made_at > '2020-01-01'", "timestamp with time zone"),
        ("public.shift(id) = 1", "shift()"),
        ("shift(id) = 1", "function shift(integer) does not exist"),
        ("twice = :tenant", "twice is a generated column"),
    ];

    [Fact]
    public async Task Conditions_that_do_not_fit_are_refused()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            """
            CREATE FUNCTION shift(int) RETURNS int LANGUAGE plpgsql STABLE AS 'BEGIN RETURN $1 + 1; END';
            CREATE TABLE jobs (id int PRIMARY KEY, ours text, made_at timestamptz, twice int GENERATED ALWAYS AS (id * 2) STORED);
            """
        );
        foreach (var (condition, why) in Unfit)
        {
            var rules = new Dictionary<TableName, Settings.TableRule>
            {
                [new("public", "jobs")] = new Settings.WhereRule(condition),
            };

            var faults = (await move.PreflightAsync(new() { Rules = rules })).Faults;

            Assert.Equal((condition, 1), (condition, faults.Count));
            Assert.Contains("public.jobs", faults[0]);
            Assert.Contains(why, faults[0]);
        }
    }

    [Fact]
    public async Task A_large_table_whose_condition_no_index_serves_is_named_with_the_index()
    {
        await using var move = await Pattern.CreateAsync(servers);
        await move.Shared.ExecuteAsync(
            """
            INSERT INTO jobs SELECT n, '{"account": 2}' FROM generate_series(1000, 12000) n;
            ANALYZE jobs;
            """
        );
        const string index = "CREATE INDEX CONCURRENTLY ON \"public\".\"jobs\" (((payload ->> 'account')::bigint))";
        Assert.Contains((await move.PreflightAsync()).Warnings, said => said.Contains(index, StringComparison.Ordinal));

        await move.Shared.ExecuteAsync(index);

        Assert.DoesNotContain(
            (await move.PreflightAsync()).Warnings,
            said => said.Contains("No index serves", StringComparison.Ordinal)
        );
    }

    [Theory]
    [InlineData("id = :tenant AND \"order\" > 1", "(NEW.\"id\" = '7' AND NEW.\"order\" > 1)")]
    [InlineData("ours = :slug OR ours = ':slug'", "(NEW.\"ours\" = 'a''b' OR NEW.\"ours\" = ':slug')")]
    [InlineData("ID::text = 'id' || 'it''s'", "(NEW.\"id\"::text = 'id' || 'it''s')")]
    [InlineData("lower(ours) = E'\\'id'", "(lower(NEW.\"ours\") = E'\\'id')")]
    [InlineData(
        "payload -> 'id' ->> 0 = cast(id AS text)",
        "(NEW.\"payload\" -> 'id' ->> 0 = cast(NEW.\"id\" AS text))"
    )]
    public async Task Each_column_is_written_with_the_name_of_the_row(string condition, string written)
    {
        await using var move = await Pattern.CreateAsync(servers);
        await using var shared = await move.Shared.OpenAsync();
        var catalog = await Catalog.ReadAsync(shared, TestContext.Current.CancellationToken);

        Assert.Equal(
            written,
            RowCondition.Parse(condition, catalog.Find(new("public", "jobs"))!)!.On("NEW", new("7", "a'b"), _ => "")
        );
    }

    [Theory]
    [InlineData("(payload ->> 'account')::bigint = :tenant", "(payload ->> 'account')::bigint")]
    [InlineData("ours = :tenant::text", "ours")]
    [InlineData("ours = :tenant OR ours IS NULL", null)]
    [InlineData("coalesce(ours, :tenant) = :tenant", null)]
    [InlineData("ours >= :tenant", null)]
    [InlineData(":tenant = ANY (string_to_array(ours, ','))", null)]
    public async Task A_condition_that_only_compares_with_the_key_is_true_of_one_tenant(
        string condition,
        string? compared
    )
    {
        await using var move = await Pattern.CreateAsync(servers);
        await using var shared = await move.Shared.OpenAsync();
        var catalog = await Catalog.ReadAsync(shared, TestContext.Current.CancellationToken);

        Assert.Equal(compared, RowCondition.Parse(condition, catalog.Find(new("public", "jobs"))!)!.Compared);
    }
}
