using Migrator.Model;
using Migrator.Settings;
using Migrator.Tests.Support;

namespace Migrator.Tests.Scope;

/// <summary>Rules for single tables: the tenant's rows go out, come back and are deleted, and nobody else's are.</summary>
public sealed class RulesTests(Servers servers)
{
    // Columns that differ by table, and one table whose column of the usual name means something else.
    const string Columns = """
        CREATE TABLE teams (id int PRIMARY KEY, "tenantId" bigint NOT NULL, name text);
        CREATE TABLE keys (id int PRIMARY KEY, organization_id bigint, name text);
        CREATE TABLE payments (id int PRIMARY KEY, tenant_id bigint, account bigint NOT NULL, name text);
        INSERT INTO teams SELECT n, 1 + n % 2, 'n' FROM generate_series(1, 20) n;
        INSERT INTO keys SELECT n, 1 + n % 2, 'n' FROM generate_series(1, 20) n;
        INSERT INTO payments SELECT n, 1 + (n + 1) % 2, 1 + n % 2, 'n' FROM generate_series(1, 20) n;
        """;

    static readonly Tenancy ByColumns = new()
    {
        TenantColumns = ["tenant_id", "tenantId", "organization_id"],
        Rules = new Dictionary<TableName, TableRule> { [new("public", "payments")] = new TenantRule("account") },
    };

    // No foreign key at all; a line has a key of two columns, and notes hang on lines.
    const string Children = """
        CREATE TABLE orders (shop int, number int, tenant_id bigint NOT NULL, PRIMARY KEY (shop, number));
        CREATE TABLE lines (id bigint PRIMARY KEY, shop_id int, order_number bigint, name text);
        CREATE TABLE aaa_notes (id int PRIMARY KEY, line_id int, name text);
        INSERT INTO orders SELECT n % 3, n, 1 + n % 2 FROM generate_series(1, 20) n;
        INSERT INTO lines SELECT n * 10 + m, n % 3, n, 'n' FROM generate_series(1, 20) n, generate_series(1, 3) m;
        INSERT INTO lines VALUES (900, 1, 999, 'nobody''s'), (901, NULL, 1, 'nobody''s'), (902, NULL, NULL, 'nobody''s');
        INSERT INTO aaa_notes SELECT id, id, 'n' FROM lines;
        """;

    static readonly Tenancy ByParents = new()
    {
        Rules = new Dictionary<TableName, TableRule>
        {
            [new("public", "lines")] = new BelongsToRule(
                new("public", "orders"),
                new Dictionary<string, string> { ["order_number"] = "number", ["shop_id"] = "shop" }
            ),
            [new("public", "aaa_notes")] = new BelongsToRule(
                new("public", "lines"),
                new Dictionary<string, string> { ["line_id"] = "id" }
            ),
        },
    };

    const string OrdersOf = "SELECT o::text FROM orders o WHERE tenant_id = ";
    const string LinesOf =
        "SELECT l::text FROM lines l JOIN orders o ON (o.shop, o.number) = (l.shop_id, l.order_number) WHERE tenant_id = ";
    const string NotesOf =
        "SELECT n::text FROM aaa_notes n JOIN lines l ON l.id = n.line_id "
        + "JOIN orders o ON (o.shop, o.number) = (l.shop_id, l.order_number) WHERE tenant_id = ";

    [Fact]
    public async Task Columns_that_differ_by_table_go_there_online_and_back_and_are_deleted()
    {
        await using var move = await TenantMove.CreateAsync(servers, Columns, tenancy: ByColumns);
        (string Table, string Column)[] tables =
        [
            ("teams", "\"tenantId\""),
            ("keys", "organization_id"),
            ("payments", "account"),
        ];
        string Rows(string table, string where) => $"SELECT t::text FROM {table} t WHERE {where} ORDER BY 1";
        async Task EachAsync(Func<string, string, Task> check)
        {
            foreach (var (table, column) in tables)
                await check(table, column);
        }

        // While the stream follows: a row changes, one leaves, one comes, one is new.
        await move.PromoteMeddledAsync(
            PhaseName.CatchUp,
            () =>
                EachAsync(
                    (table, column) =>
                        move.Shared.ExecuteAsync(
                            $"""
                            UPDATE {table} SET name = 'changed' WHERE id = 2;
                            UPDATE {table} SET {column} = 2 WHERE id = 4;
                            UPDATE {table} SET {column} = 1 WHERE id = 5;
                            INSERT INTO {table} (id, {column}) VALUES (100, 1), (101, 2);
                            """
                        )
                )
        );
        await EachAsync(
            async (table, column) =>
                Assert.Equal(
                    await move.Shared.QueryAsync<string>(Rows(table, $"{column} = 1")),
                    await move.Isolated.QueryAsync<string>(Rows(table, "true"))
                )
        );
        await EachAsync(
            (table, column) =>
                move.Isolated.ExecuteAsync(
                    $"UPDATE {table} SET name = 'there' WHERE id = 6; DELETE FROM {table} WHERE id = 8;"
                        + $"INSERT INTO {table} (id, {column}) VALUES (200, 1)"
                )
        );
        var there = new Dictionary<string, IReadOnlyList<string>>();
        await EachAsync(async (table, _) => there[table] = await move.Isolated.QueryAsync<string>(Rows(table, "true")));

        await move.RollBackAsync();

        await EachAsync(
            async (table, column) =>
                Assert.Equal(there[table], await move.Shared.QueryAsync<string>(Rows(table, $"{column} = 1")))
        );

        await move.PromoteAsync();
        var others = new Dictionary<string, IReadOnlyList<string>>();
        await EachAsync(
            async (table, column) =>
                others[table] = await move.Shared.QueryAsync<string>(Rows(table, $"{column} IS DISTINCT FROM 1"))
        );
        await move.FinalizeAsync(batchSize: 3);
        await EachAsync(
            async (table, _) => Assert.Equal(others[table], await move.Shared.QueryAsync<string>(Rows(table, "true")))
        );
    }

    [Fact]
    public async Task Children_without_foreign_keys_go_there_fenced_and_back_and_are_deleted_before_their_parents()
    {
        await using var move = await TenantMove.CreateAsync(servers, Children, tenancy: ByParents);
        move.Mode = PromotionOptions.Fenced;
        string[] all = [OrdersOf, LinesOf, NotesOf];
        async Task<string[]> OfAsync(TestDatabase database, int tenant) =>
            [
                .. await database.QueryAsync<string>(
                    string.Join(" UNION ALL ", all.Select(query => query + tenant)) + " ORDER BY 1"
                ),
            ];
        static async Task<string[]> EverythingAsync(TestDatabase database) =>
            [
                .. await database.QueryAsync<string>(
                    "SELECT t::text FROM orders t UNION ALL SELECT t::text FROM lines t "
                        + "UNION ALL SELECT t::text FROM aaa_notes t ORDER BY 1"
                ),
            ];

        await move.PromoteAsync();

        Assert.Equal(70, (await EverythingAsync(move.Isolated)).Length);
        Assert.Equal(await OfAsync(move.Shared, 1), await EverythingAsync(move.Isolated));
        await move.Isolated.ExecuteAsync(
            """
            DELETE FROM aaa_notes WHERE line_id / 10 = 2; DELETE FROM lines WHERE order_number = 2;
            DELETE FROM orders WHERE number = 2;
            UPDATE lines SET shop_id = 6 % 3, order_number = 6 WHERE id = 41;
            INSERT INTO orders VALUES (7, 70, 1); INSERT INTO lines VALUES (700, 7, 70, 'new');
            INSERT INTO aaa_notes VALUES (700, 700, 'new');
            """
        );
        var there = await EverythingAsync(move.Isolated);
        await move.RollBackAsync();
        Assert.Equal(there, await OfAsync(move.Shared, 1));

        await move.PromoteAsync();
        var mine = await OfAsync(move.Shared, 1);
        var others = (await EverythingAsync(move.Shared)).ToList();
        foreach (var row in mine)
            Assert.True(others.Remove(row));
        await move.FinalizeAsync(batchSize: 3);
        Assert.Equal(others, await EverythingAsync(move.Shared));
    }

    [Fact]
    public async Task The_guard_knows_the_children_of_the_tenants_rows_without_a_foreign_key()
    {
        await using var move = await TenantMove.CreateAsync(servers, Children, tenancy: ByParents);
        move.Mode = PromotionOptions.Fenced;
        await move.PromoteAsync(validate: false);

        // Nobody's: there is no such order, and none of the tenant's can come any more.
        await move.Shared.ExecuteAsync(
            "INSERT INTO lines VALUES (990, 5, 5, 'x'); UPDATE lines SET name = 'y' WHERE id = 900"
        );
        // Order 1 and line 11 are the other tenant's, order 2 and line 21 are the tenant's.
        await move.Shared.ExecuteAsync(
            "UPDATE lines SET name = 'theirs' WHERE id = 11; INSERT INTO aaa_notes VALUES (1001, 11, 'theirs')"
        );
        foreach (
            var write in (string[])
                [
                    "UPDATE lines SET name = 'x' WHERE id = 21",
                    "UPDATE lines SET shop_id = 2, order_number = 2 WHERE id = 11",
                    "UPDATE lines SET shop_id = 1, order_number = 1 WHERE id = 21",
                    "INSERT INTO aaa_notes VALUES (1002, 21, 'x')",
                    "DELETE FROM aaa_notes WHERE line_id = 21",
                ]
        )
            Assert.Equal(
                "25006",
                (await Assert.ThrowsAsync<Npgsql.PostgresException>(() => move.Shared.ExecuteAsync(write))).SqlState
            );
    }

    [Fact]
    public async Task Rows_without_a_parent_are_counted_where_nothing_enforces_one()
    {
        await using var move = await TenantMove.CreateAsync(servers, Children, tenancy: ByParents);
        move.Mode = PromotionOptions.Fenced;

        var result = await move.PreflightAsync();

        Assert.Empty(result.Faults);
        Assert.Contains(
            result.Warnings,
            warning => warning.Contains("public.orders; 1 rows have no such row", StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task Rows_of_a_reference_table_that_look_like_others_secrets_are_counted()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            """
            CREATE TABLE users (id int PRIMARY KEY, email text, password_digest text);
            CREATE TABLE plans (id int PRIMARY KEY, name text);
            CREATE TABLE tasks (id int PRIMARY KEY, tenant_id bigint, user_id int REFERENCES users);
            INSERT INTO users SELECT n FROM generate_series(1, 5) n;
            INSERT INTO plans VALUES (1);
            INSERT INTO tasks VALUES (1, 1, 1), (2, 1, 2), (3, 2, 3);
            """,
            tenancy: new Tenancy { Reference = [new("public", "users"), new("public", "plans")] }
        );

        var warning = Assert.Single(
            (await move.PreflightAsync()).Warnings,
            said => said.Contains("look like", StringComparison.Ordinal)
        );

        Assert.Contains("all 5 rows are copied, and no row of this tenant names 3 of them", warning);
        Assert.Contains("email, password_digest", warning);
    }

    [Fact]
    public async Task A_rule_that_a_foreign_key_says_as_well_is_followed_online()
    {
        var tenancy = ByParents with
        {
            Rules = new Dictionary<TableName, TableRule>(ByParents.Rules)
            {
                [new("public", "aaa_notes")] = new BelongsToRule(
                    new("public", "lines"),
                    new Dictionary<string, string>()
                ),
            },
        };
        await using var move = await TenantMove.CreateAsync(
            servers,
            """
            CREATE TABLE orders (shop int, number int, tenant_id bigint NOT NULL, PRIMARY KEY (shop, number));
            CREATE TABLE lines (id int PRIMARY KEY, shop_id int, order_number int, other int REFERENCES lines, name text,
                FOREIGN KEY (shop_id, order_number) REFERENCES orders (shop, number));
            CREATE TABLE aaa_notes (id int PRIMARY KEY, line_id int REFERENCES lines);
            INSERT INTO orders VALUES (1, 1, 1), (2, 2, 2);
            INSERT INTO lines VALUES (10, 1, 1), (20, 2, 2);
            INSERT INTO aaa_notes VALUES (10, 10), (20, 20), (30, NULL);
            """,
            tenancy: tenancy
        );

        await move.PromoteMeddledAsync(
            PhaseName.CatchUp,
            () => move.Shared.ExecuteAsync("UPDATE lines SET shop_id = 1, order_number = 1 WHERE id = 20")
        );

        Assert.Equal([10, 20], await move.Isolated.QueryAsync<int>("SELECT id FROM lines ORDER BY 1"));
        Assert.Equal([10, 20], await move.Isolated.QueryAsync<int>("SELECT id FROM aaa_notes ORDER BY 1"));
    }

    [Fact]
    public async Task Rules_that_do_not_fit_are_told_all_at_once()
    {
        static BelongsToRule To(string parent, string from, string to) =>
            new(new("public", parent), new Dictionary<string, string> { [from] = to });
        var tenancy = new Tenancy
        {
            TenantColumns = ["tenant_id", "org"],
            Reference = [new("public", "twice")],
            Rules = new Dictionary<TableName, TableRule>
            {
                [new("public", "missing")] = new TenantRule("a"),
                [new("public", "twice")] = new TenantRule("a"),
                [new("public", "dates")] = new TenantRule("day"),
                [new("public", "named")] = new TenantRule("nothing"),
                [new("public", "circle_a")] = To("circle_b", "b", "id"),
                [new("public", "circle_b")] = To("circle_a", "a", "id"),
                [new("public", "of_no_key")] = To("doubled", "b", "org"),
                [new("public", "of_no_type")] = To("doubled", "b", "id"),
                [new("public", "unlinked")] = new BelongsToRule(
                    new("public", "doubled"),
                    new Dictionary<string, string>()
                ),
            },
        };
        await using var move = await TenantMove.CreateAsync(
            servers,
            """
            CREATE TABLE twice (id int PRIMARY KEY, a bigint);
            CREATE TABLE dates (id int PRIMARY KEY, day date);
            CREATE TABLE named (id int PRIMARY KEY);
            CREATE TABLE circle_a (id int PRIMARY KEY, b int);
            CREATE TABLE circle_b (id int PRIMARY KEY, a int);
            CREATE TABLE doubled (id int PRIMARY KEY, tenant_id bigint, org bigint);
            CREATE TABLE of_no_key (id int PRIMARY KEY, b bigint);
            CREATE TABLE of_no_type (id int PRIMARY KEY, b uuid);
            CREATE TABLE unlinked (id int PRIMARY KEY, b int);
            """,
            tenancy: tenancy
        );

        var faults = (await move.PreflightAsync()).Faults;

        foreach (
            var expected in (string[])
                [
                    "public.missing in tenancy.json does not fit: there is no table public.missing",
                    "public.twice in tenancy.json does not fit: the table has another rule",
                    "public.dates in tenancy.json does not fit: day has type date",
                    "public.named in tenancy.json does not fit: there is no column nothing",
                    "public.circle_a in tenancy.json does not fit: the rows of public.circle_b are no tenant's",
                    "public.circle_b in tenancy.json does not fit: the rows of public.circle_a are no tenant's",
                    "public.of_no_key in tenancy.json does not fit: \"by\" has to name",
                    "public.of_no_type in tenancy.json does not fit: \"by\" has to name",
                    "public.unlinked in tenancy.json does not fit: no foreign key leads to public.doubled",
                    "public.doubled has several columns of \"tenant_columns\": tenant_id, org",
                ]
        )
            Assert.Single(faults, fault => fault.Contains(expected, StringComparison.Ordinal));
        Assert.Equal(10, faults.Count);
    }

    [Fact]
    public async Task The_rules_are_read_from_the_file_and_what_is_not_understood_is_told_at_once()
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(
                file,
                """
                {
                  "tenant_columns": ["tenantId", "org_id"],
                  "tables": {
                    "billing.lines": { "belongs_to": "public.orders", "by": { "shop_id": "shop", "number": "number" } },
                    "keys": { "tenant": "account" }, "public.plans": "reference", "public.cache": "ignored"
                  }
                }
                """,
                TestContext.Current.CancellationToken
            );
            var tenancy = MigratorSettings.Read(file, null, null).Tenancy;
            Assert.Equal(["tenantId", "org_id"], tenancy.TenantColumns);
            Assert.Equal([new TableName("public", "plans")], tenancy.Reference);
            Assert.Equal([new TableName("public", "cache")], tenancy.Ignored);
            Assert.Equal(new TenantRule("account"), tenancy.Rules[new("public", "keys")]);
            var lines = Assert.IsType<BelongsToRule>(tenancy.Rules[new("billing", "lines")]);
            Assert.Equal(new("public", "orders"), lines.Parent);
            Assert.Equal("shop", lines.By["shop_id"]);

            await File.WriteAllTextAsync(
                file,
                """
                { "tables": { "a": "whole", "b": { "tennant": "x" }, "c": { "tenant": "x", "belongs_to": "y" },
                              "keys": { "tenant": "x" }, "public.keys": "ignored" } }
                """,
                TestContext.Current.CancellationToken
            );
            var refused = Assert.Throws<MigratorException>(() => MigratorSettings.Read(file, null, null));
            foreach (
                var name in (string[])
                    [
                        "line 1, column 20: the migrator does not know this rule for public.a",
                        "rule for public.b (tennant)",
                        "rule for public.c (belongs_to tenant)",
                        "line 2, column 57: a second rule for public.keys",
                    ]
            )
                Assert.Contains(name, refused.Message);
        }
        finally
        {
            File.Delete(file);
        }
    }
}
