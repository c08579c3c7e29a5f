using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Migrator.Tests.Support;

namespace Migrator.Tests.Scope;

/// <summary>A new user's database: what the program suggests is what the program takes.</summary>
public sealed partial class SuggestionTests(Servers servers)
{
    // A help desk. Users belong to several organizations; attachments and events have no foreign keys.
    const string Schema = """
        CREATE TABLE plans (id int PRIMARY KEY, name text);
        CREATE TABLE countries (code char(2) PRIMARY KEY, name text);
        CREATE TABLE schema_migrations (version text PRIMARY KEY);
        CREATE TABLE organizations (id bigint PRIMARY KEY, subdomain text NOT NULL UNIQUE, plan_id int REFERENCES plans);
        CREATE TABLE users (id bigint PRIMARY KEY, email text UNIQUE, password_digest text,
            last_org_id bigint REFERENCES organizations);
        CREATE TABLE memberships (id bigint PRIMARY KEY, org_id bigint NOT NULL REFERENCES organizations,
            user_id bigint NOT NULL REFERENCES users, UNIQUE (org_id, user_id));
        CREATE TABLE sessions (id uuid PRIMARY KEY, user_id bigint NOT NULL REFERENCES users, token text);
        CREATE TABLE user_preferences (user_id bigint PRIMARY KEY REFERENCES users, theme text);
        CREATE TABLE teams (id bigint PRIMARY KEY, org_id bigint NOT NULL REFERENCES organizations, name text);
        CREATE TABLE customers (id bigint PRIMARY KEY, org_id bigint NOT NULL REFERENCES organizations, email text,
            country_code char(2) REFERENCES countries);
        CREATE TABLE tags (id bigint PRIMARY KEY, org_id bigint NOT NULL REFERENCES organizations, name text);
        CREATE TABLE tickets (id bigint PRIMARY KEY, org_id bigint NOT NULL REFERENCES organizations,
            customer_id bigint REFERENCES customers, assignee_id bigint REFERENCES users, subject text);
        CREATE TABLE ticket_tags (ticket_id bigint NOT NULL REFERENCES tickets, tag_id bigint NOT NULL REFERENCES tags,
            PRIMARY KEY (ticket_id, tag_id));
        CREATE TABLE comments (id bigint PRIMARY KEY, ticket_id bigint NOT NULL REFERENCES tickets,
            author_id bigint REFERENCES users, body text);
        CREATE TABLE attachments (id bigint PRIMARY KEY, attachable_type text NOT NULL, attachable_id bigint NOT NULL,
            name text);
        CREATE TABLE ticket_events (id bigint PRIMARY KEY, ticket_id bigint NOT NULL, kind text);
        CREATE TABLE email_templates (id bigint PRIMARY KEY, org_id bigint REFERENCES organizations, body text);
        CREATE TABLE api_keys (id bigint PRIMARY KEY, org_id bigint REFERENCES organizations,
            team_id bigint REFERENCES teams, digest text);
        CREATE TABLE background_jobs (id bigint PRIMARY KEY, run_at timestamptz, payload jsonb);
        CREATE INDEX ON attachments (attachable_id);

        INSERT INTO plans VALUES (1, 'team'); INSERT INTO countries VALUES ('CH', 'Switzerland');
        INSERT INTO schema_migrations VALUES ('001');
        INSERT INTO users SELECT n, 'u' || n FROM generate_series(1, 20) n;
        """;

    const string Rows = """
        UPDATE users SET last_org_id = 1 + id % 2;
        INSERT INTO memberships SELECT n, 1 + n % 2, n FROM generate_series(1, 20) n;
        INSERT INTO memberships VALUES (100, 1, 3);
        INSERT INTO sessions SELECT gen_random_uuid(), id, 't' FROM users;
        INSERT INTO user_preferences SELECT id, 'dark' FROM users;
        INSERT INTO teams SELECT n, 1 + n % 2 FROM generate_series(1, 4) n;
        INSERT INTO customers SELECT n, 1 + n % 2, 'c' || n, 'CH' FROM generate_series(1, 20) n;
        INSERT INTO tags SELECT n, 1 + n % 2 FROM generate_series(1, 6) n;
        INSERT INTO tickets SELECT n, 1 + n % 2, n, n FROM generate_series(1, 18) n;
        INSERT INTO ticket_tags SELECT id, 1 + (id + 1) % 2 FROM tickets; -- a ticket and its tag are of one organization
        INSERT INTO comments SELECT id, id, id, 'c' FROM tickets;
        INSERT INTO attachments SELECT id, 'Ticket', id FROM tickets UNION ALL SELECT 100 + id, 'Comment', id FROM comments;
        INSERT INTO ticket_events SELECT id, id, 'opened' FROM tickets;
        INSERT INTO email_templates VALUES (1, NULL, 'reset'), (2, 1, 'ours'), (3, 2, 'theirs');
        INSERT INTO api_keys VALUES (1, 1, NULL), (2, 2, NULL), (3, NULL, 2), (4, NULL, 1);
        INSERT INTO background_jobs VALUES (1);
        """;

    [Fact]
    public async Task A_help_desk_gets_to_a_green_dry_run_in_two_tries()
    {
        var database = await servers.NewDatabaseAsync(prefix: "desk");
        await using var move = new TenantMove(database, "acme" + database.Name["desk".Length..].Replace('_', '-'));
        await database.ExecuteAsync(Schema);
        await database.ExecuteAsync($"INSERT INTO organizations VALUES (1, '{move.Slug}', 1), (2, 'bolt', 1)");
        await database.ExecuteAsync(Rows);

        // The first try: the suggestion, and the columns that it asks for.
        var (code, output, error) = await InjectedFault.SayAsync(
            move,
            "scope",
            $"--tenant-slug={move.Slug}",
            "--suggest"
        );
        Assert.True(code == 0, error);
        var file = JsonNode.Parse(output)!;
        var needed = Statement().Matches(Regex.Replace(error, "\\s+", " "));
        Assert.Equal(2, needed.Count);
        foreach (var statement in needed.Cast<Match>())
            await database.ExecuteAsync(statement.Groups[1].Value);

        // The second one: the file as it was printed.
        var settings = Path.Combine(Path.GetDirectoryName(move.RoutingFile)!, "tenancy.json");
        await File.WriteAllTextAsync(settings, output, TestContext.Current.CancellationToken);
        (code, output, error) = await InjectedFault.SayAsync(
            move,
            "promote",
            $"--tenant-slug={move.Slug}",
            "--dry-run",
            "--settings",
            settings
        );
        Assert.True(code == 0, error + output);

        Assert.Equal("public.organizations", (string)file["tenants"]!["table"]!);
        Assert.Equal("subdomain", (string)file["tenants"]!["slug"]!);
        Assert.Equal(["org_id"], file["tenant_columns"]!.AsArray().Select(one => (string)one!));
        var rules = file["tables"]!.AsObject().ToDictionary(one => one.Key, one => one.Value!.ToJsonString());
        Assert.Equal(Expected, rules);
    }

    static readonly Dictionary<string, string> Expected = new()
    {
        ["public.api_keys"] = """
            {"any_of":[{"tenant":"org_id"},{"belongs_to":"public.teams","by":{"team_id":"id"}}]}
            """,
        ["public.attachments"] = """
            {"by_type":{"type":"attachable_type","id":"attachable_id",
            "to":{"Comment":"public.comments","Ticket":"public.tickets"}}}
            """.Replace("\n", ""),
        ["public.email_templates"] = """{"tenant":"org_id","null":"global"}""",
        ["public.ticket_events"] = """{"belongs_to":"public.tickets","by":{"ticket_id":"id"}}""",
        ["public.users"] = """
            {"shared_through":["public.comments.author_id","public.memberships.user_id","public.tickets.assignee_id"],
            "blank":["last_org_id"]}
            """.Replace("\n", ""),
        ["public.countries"] = "\"reference\"",
        ["public.plans"] = "\"reference\"",
        ["public.background_jobs"] = "\"ignored\"",
        ["public.sessions"] = "\"ignored\"",
        ["public.user_preferences"] = "\"ignored\"",
    };

    [Theory]
    [InlineData("", false)]
    [InlineData("INSERT INTO tenants (id, slug, parent_id) VALUES (11, 'below', 1);", true)]
    public async Task A_tree_is_suggested_where_rows_are_below_others(string rows, bool isTree)
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            $"""
            ALTER TABLE tenants ADD parent_id bigint REFERENCES tenants; {rows}
            CREATE TABLE notes (id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants);
            INSERT INTO notes SELECT id, id FROM tenants;
            """
        );

        var (code, output, error) = await InjectedFault.SayAsync(
            move,
            "scope",
            $"--tenant-slug={move.Slug}",
            "--suggest"
        );

        Assert.True(code == 0, error);
        Assert.Equal(isTree ? "parent_id" : null, (string?)JsonNode.Parse(output)!["tenants"]!["subtree"]);
        Assert.Equal(isTree, error.Contains("parent_id", StringComparison.Ordinal));
        await using var suggested = new TenantMove(move.Shared, move.Slug, tenancy: ScopePattern.Parse(output));
        Assert.Empty((await suggested.PreflightAsync()).Faults);
    }

    [Fact]
    public async Task What_the_settings_say_already_is_kept()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            """
            CREATE TABLE orders (id int PRIMARY KEY, tenant_id bigint NOT NULL);
            CREATE TABLE order_lines (id int PRIMARY KEY, order_id int NOT NULL);
            CREATE TABLE notes (id int PRIMARY KEY, order_id int NOT NULL);
            """
        );
        var settings = Path.Combine(Path.GetDirectoryName(move.RoutingFile)!, "tenancy.json");
        await File.WriteAllTextAsync(
            settings,
            """{ "tables": { "public.order_lines": "ignored" } }""",
            TestContext.Current.CancellationToken
        );

        var (code, output, error) = await InjectedFault.SayAsync(
            move,
            "scope",
            $"--tenant-slug={move.Slug}",
            "--suggest",
            "--settings",
            settings
        );

        Assert.True(code == 0, error);
        var tables = JsonNode.Parse(output)!["tables"]!;
        Assert.Equal("ignored", (string)tables["public.order_lines"]!);
        Assert.Equal("public.orders", (string)tables["public.notes"]!["belongs_to"]!);
    }

    [GeneratedRegex("Run (ALTER TABLE .*?), or name")]
    private static partial Regex Statement();
}
