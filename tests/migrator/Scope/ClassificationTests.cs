using Migrator.Model;
using Migrator.Scope;
using Migrator.Settings;
using Migrator.Tests.Support;

namespace Migrator.Tests.Scope;

/// <summary>
/// The catalog and the settings decide whose rows a table holds; what they do not decide stops the promotion.
/// </summary>
public sealed class ClassificationTests(Servers servers)
{
    const string Schema = """
        CREATE SCHEMA billing;
        CREATE TABLE projects (id integer PRIMARY KEY, tenant_id bigint NOT NULL);
        CREATE TABLE users (id integer PRIMARY KEY, tenant_id integer NOT NULL, home integer REFERENCES projects);
        CREATE TABLE billing.invoices (id integer PRIMARY KEY, tenant_id varchar(40));
        CREATE TABLE tasks (id integer PRIMARY KEY, project_id integer NOT NULL REFERENCES projects);
        CREATE TABLE comments (
            id integer PRIMARY KEY, task_id integer NOT NULL REFERENCES tasks, author_id integer REFERENCES users);
        CREATE TABLE transfers (
            id integer PRIMARY KEY, source integer NOT NULL CONSTRAINT from_project REFERENCES projects,
            target integer NOT NULL REFERENCES projects);
        CREATE TABLE plans (code text PRIMARY KEY);
        CREATE TABLE cache (id integer PRIMARY KEY, project_id integer REFERENCES projects);
        CREATE TABLE "__EFMigrationsHistory" ("MigrationId" text PRIMARY KEY, "ProductVersion" text NOT NULL);
        CREATE TABLE billing.flyway_schema_history (installed_rank integer PRIMARY KEY, version text);
        INSERT INTO projects VALUES (11, 1), (21, 2);
        INSERT INTO users VALUES (11, 1, 11), (21, 2, 21);
        INSERT INTO tasks VALUES (11, 11), (21, 21);
        INSERT INTO comments VALUES (11, 11, NULL), (12, 11, 11), (21, 21, 21);
        INSERT INTO transfers VALUES (11, 11, 11), (21, 21, 21);
        INSERT INTO plans VALUES ('gold'), ('team');
        INSERT INTO cache VALUES (11, NULL);
        INSERT INTO "__EFMigrationsHistory" VALUES ('20240101_First', '8'), ('20240202_Second', '8');
        """;

    static readonly Tenancy Settings = new()
    {
        Reference = [new("public", "plans")],
        Ignored = [new("public", "cache")],
    };

    [Fact]
    public async Task Each_table_is_what_its_columns_and_keys_say()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema, tenancy: Settings);

        var scope = await ClassifyAsync(move, Settings);

        Assert.Equal(
            [
                "billing.flyway_schema_history: Reference",
                "billing.invoices: Direct",
                "public.__EFMigrationsHistory: Reference",
                "public.cache: Ignored",
                // Not by author_id, which is shorter and may be null.
                "public.comments: Derived by task_id, project_id",
                "public.plans: Reference",
                "public.projects: Direct",
                "public.tasks: Derived by project_id",
                "public.tenants: Root",
                "public.transfers: Derived by source",
                "public.users: Direct",
            ],
            scope.Tables.Select(table => Describe(scope, table))
        );
        Assert.Empty(scope.Unclassified);
    }

    [Theory]
    [InlineData("target")]
    [InlineData("transfers_target_fkey")]
    public async Task The_settings_choose_among_several_ways_by_column_or_by_name(string path)
    {
        var tenancy = Settings with
        {
            Derived = new Dictionary<TableName, string> { [new("public", "transfers")] = path },
        };
        await using var move = await TenantMove.CreateAsync(servers, Schema, tenancy: tenancy);

        var chosen = await ClassifyAsync(move, tenancy);

        Assert.Equal("public.transfers: Derived by target", Describe(chosen, chosen[new("public", "transfers")]));
    }

    [Fact]
    public async Task A_way_that_may_be_null_is_taken_only_where_there_is_no_other_and_its_loose_rows_are_reported()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            """
            CREATE TABLE projects (id integer PRIMARY KEY, tenant_id bigint);
            CREATE TABLE files (id integer PRIMARY KEY, project_id integer REFERENCES projects);
            INSERT INTO projects VALUES (11, 1), (21, 2), (31, NULL), (32, NULL);
            INSERT INTO files VALUES (1, 11), (2, 21), (3, NULL);
            """
        );

        var preflight = await move.PreflightAsync();

        Assert.Empty(preflight.Faults);
        Assert.Contains(
            preflight.Warnings,
            warning => warning.Contains("public.projects has 2 rows that belong to no tenant")
        );
        Assert.Contains(
            preflight.Warnings,
            warning => warning.Contains("public.files has 1 rows that belong to no tenant")
        );
        await move.PromoteAsync(validate: false);
        Assert.Equal([1], await move.Isolated.QueryAsync<int>("SELECT id FROM files"));
        Assert.Equal([11], await move.Isolated.QueryAsync<int>("SELECT id FROM projects"));
    }

    [Fact]
    public async Task Tables_that_no_rule_covers_stop_the_promotion_with_the_lines_to_paste()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);

        var faults = (await move.PreflightAsync()).Faults;

        var fault = Assert.Single(faults);
        Assert.Contains("public.plans", fault);
        Assert.Contains("  \"reference\": [\"public.plans\"]\n  \"ignored\": [\"public.plans\"]", fault);
    }

    [Fact]
    public async Task Settings_that_name_what_is_not_there_are_faults()
    {
        var tenancy = Settings with
        {
            Reference = [new("public", "plans"), new("public", "no_such")],
            Derived = new Dictionary<TableName, string> { [new("public", "transfers")] = "no_such_key" },
        };
        await using var move = await TenantMove.CreateAsync(servers, Schema, tenancy: tenancy);

        var faults = (await move.PreflightAsync()).Faults;

        Assert.Contains(faults, fault => fault.Contains("public.no_such that does not exist"));
        Assert.Contains(faults, fault => fault.Contains("'no_such_key'") && fault.Contains("source → public.projects"));
    }

    [Fact]
    public async Task What_each_rule_covers_arrives_and_nothing_else()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema, servers.Dedicated, Settings);

        await move.PromoteAsync();

        Assert.Equal([11, 12], await move.Isolated.QueryAsync<int>("SELECT id FROM comments ORDER BY 1"));
        Assert.Equal([11], await move.Isolated.QueryAsync<int>("SELECT id FROM transfers"));
        Assert.Equal(2, await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM plans"));
        Assert.Equal(0, await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM cache"));
        Assert.Equal(2, await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM \"__EFMigrationsHistory\""));
        Assert.Equal(
            "20240202_Second",
            await move.Isolated.ScalarAsync<string>("SELECT settings #>> '{isolation,migration_version}' FROM tenants")
        );
    }

    [Fact]
    public async Task References_across_tenants_are_named_both_ways()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            Schema
                + """
                INSERT INTO tasks VALUES (12, 11), (22, 21);
                UPDATE users SET home = 21 WHERE id = 11;
                INSERT INTO comments VALUES (99, 22, 11);
                INSERT INTO cache VALUES (98, 11);
                """,
            tenancy: Settings
        );

        var faults = (await move.PreflightAsync()).Faults;

        Assert.Equal(3, faults.Count);
        // Rows that stay behind and would hold the tenant's when finalize deletes them.
        Assert.Contains(
            faults,
            fault =>
                fault.Contains(
                    "1 rows of public.cache that are not this tenant's refer to this tenant's rows in public.projects "
                        + "(constraint cache_project_id_fkey), such as 98"
                )
        );
        Assert.Contains(
            faults,
            fault =>
                fault.Contains(
                    "1 rows of public.users refer to rows of public.projects that are not this tenant's "
                        + "(constraint users_home_fkey), such as 11"
                )
        );
        Assert.Contains(
            faults,
            fault =>
                fault.Contains(
                    "1 rows of public.comments that are not this tenant's refer to this tenant's rows in public.users "
                        + "(constraint comments_author_id_fkey), such as 99"
                )
        );
    }

    [Fact]
    public async Task A_table_that_inherits_is_a_table_of_its_own_and_its_rows_travel_once()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            """
            CREATE TABLE notes (id integer, tenant_id bigint NOT NULL, body text);
            CREATE TABLE urgent_notes (due date) INHERITS (notes);
            INSERT INTO notes VALUES (11, 1, 'plain'), (21, 2, 'plain');
            INSERT INTO urgent_notes VALUES (12, 1, 'urgent', '2024-01-01'), (22, 2, 'urgent', '2024-01-01');
            """
        );

        await move.PromoteAsync();
        await move.Isolated.ExecuteAsync("UPDATE notes SET body = body || '!'");

        Assert.Equal(
            ["11 plain! notes", "12 urgent! urgent_notes"],
            await move.Isolated.QueryAsync<string>(
                "SELECT id || ' ' || body || ' ' || tableoid::regclass FROM notes ORDER BY 1"
            )
        );
        await move.RollBackAsync();
        Assert.Equal(
            ["11 plain! notes", "12 urgent! urgent_notes", "21 plain notes", "22 urgent urgent_notes"],
            await move.Shared.QueryAsync<string>(
                "SELECT id || ' ' || body || ' ' || tableoid::regclass FROM notes ORDER BY 1"
            )
        );
    }

    static async Task<TenantScope> ClassifyAsync(TenantMove move, Tenancy tenancy)
    {
        await using var connection = await move.Shared.OpenAsync();
        return TenantScope.Classify(
            await Migrator.Scope.Catalog.ReadAsync(connection, TestContext.Current.CancellationToken),
            tenancy
        );
    }

    static string Describe(TenantScope scope, ScopedTable table) =>
        $"{table.Name}: {table.Scope}"
        + (
            scope.PathOf(table).Count == 0
                ? ""
                : " by " + string.Join(", ", scope.PathOf(table).Select(key => string.Join("+", key.FromColumns)))
        );
}
