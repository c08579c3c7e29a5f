using System.Text.Json.Nodes;
using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.Commands;

/// <summary>Somebody who is setting the migrator up hears all that is wrong in one go, and nothing is changed.</summary>
public sealed class CheckTests(Servers servers)
{
    const string Notes = """
        CREATE TABLE notes (id int PRIMARY KEY, tenant_id bigint NOT NULL);
        CREATE TABLE lines (id int PRIMARY KEY, note_id int NOT NULL REFERENCES notes);
        CREATE TABLE imports (id int PRIMARY KEY);
        """;

    [Fact]
    public async Task Every_rule_that_does_not_fit_is_named_with_its_place()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);

        var (code, document) = await CheckAsync(
            move,
            """
            {
              "tenants": { "slug": "subdomain", "settings": "options" },
              "tables": { "public.notes": { "tenant": "org_id" } },
              "ignored": ["import", "public.jobs"],
              "derived": { "lines": "author_id" }
            }
            """,
            Connections(move)
        );

        Assert.Equal((int)ExitCode.Refused, code);
        string[] expected =
        [
            "has no column subdomain (line 2, column 24)",
            "has no column options (line 2, column 49)",
            "(line 3, column 31) does not fit: there is no column org_id",
            "(line 4, column 15) names a table public.import that does not exist",
            "(line 4, column 25) names a table public.jobs that does not exist",
            "(line 5, column 25) derives public.lines by 'author_id'",
            "whose rows these tables hold: public.imports",
        ];
        var faults = Texts(document["faults"]);
        Assert.All(expected, one => Assert.Contains(faults, fault => fault.Contains(one, StringComparison.Ordinal)));
        Assert.Equal(expected.Length, faults.Length);
        Assert.Equal(["shared", "isolated"], document["servers"]!.AsArray().Select(one => (string?)one!["server"]));
        Assert.All(document["servers"]!.AsArray(), one => Assert.NotNull(one!["version"]));
        Assert.Null(await move.Shared.ScalarAsync<string?>("SELECT to_regnamespace('tenant_promotion')::text"));
    }

    [Fact]
    public async Task What_the_environment_says_stands_nowhere_in_the_file()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        var variables = Connections(move);
        variables["MIGRATOR_TENANTS__SLUG"] = "handle";

        var (_, document) = await CheckAsync(
            move,
            """{ "tenants": { "slug": "slug" }, "ignored": ["imports"] }""",
            variables
        );

        var fault = Assert.Single(Texts(document["faults"]));
        Assert.Contains("has no column handle.", fault);
    }

    [Fact]
    public async Task A_broken_file_an_unreadable_port_and_a_server_that_is_away_are_told_together()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes, servers.Dedicated);
        var variables = Connections(move);
        variables["MIGRATOR_SOURCE"] = null;
        variables["DB_PORT"] = "fifty";
        (variables["TARGET_DB_ADMIN_USER"], variables["TARGET_DB_ADMIN_PASSWORD"]) = ("nobody_yet", "x");

        var (code, document) = await CheckAsync(
            move,
            """
            {
              "domain": 1,
              "refrence": []
            }
            """,
            variables
        );

        Assert.Equal((int)ExitCode.Usage, code);
        var faults = Texts(document["faults"]);
        Assert.Equal(3, faults.Length);
        Assert.Contains(
            faults,
            fault => fault.Contains("line 2, column 13: domain") && fault.Contains("line 3, column 15: unknown key")
        );
        Assert.Contains(faults, fault => fault.Contains("DB_PORT"));
        Assert.Contains(faults, fault => fault.Contains("as nobody_yet: The server refuses the login"));
        // The isolated database's server was reached all the same.
        Assert.Equal(
            ["isolated True", "isolated False"],
            document["servers"]!.AsArray().Select(one => $"{one!["server"]} {one["version"] is not null}")
        );
        // And every other verb tells both of what it can know.
        var (other, _, error) = await MigratorProgram.RunAsync(
            ["list", "--settings", (string)document["settings_file"]!],
            variables
        );
        Assert.Equal((int)ExitCode.Usage, other);
        Assert.Contains("unknown key 'refrence'", error);
        Assert.Contains("DB_PORT", error);
    }

    [Fact]
    public async Task Settings_that_fit_are_fine_and_a_misspelt_variable_is_a_warning()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        var variables = Connections(move);
        variables["MIGRATOR_TENANT_COLUM"] = "org_id";
        variables["MIGRATOR_IGNORED__1"] = "public.imports";
        var settings = await WriteAsync(move, "{}");

        var (code, output, error) = await MigratorProgram.RunAsync(["check", "--settings", settings], variables);

        Assert.True(code == 0, error);
        Assert.Contains($"Settings: {settings}", output);
        Assert.Contains((await move.Shared.ScalarAsync<string>("SHOW server_version")).Split(' ')[0], output);
        Assert.Contains("--dry-run", output);
        Assert.Contains("MIGRATOR_TENANT_COLUM ", error);
        Assert.DoesNotContain("MIGRATOR_IGNORED__1 ", error);
    }

    static Dictionary<string, string?> Connections(TenantMove move) =>
        new()
        {
            ["MIGRATOR_SOURCE"] = move.Shared.ConnectionString(),
            ["MIGRATOR_TARGET"] = move.Server.ConnectionString("postgres", move.Shared.Owner),
        };

    static async Task<string> WriteAsync(TenantMove move, string json)
    {
        Directory.CreateDirectory(move.Settings.RoutingDirectory);
        var file = Path.Combine(move.Settings.RoutingDirectory, "tenancy.json");
        await File.WriteAllTextAsync(file, json, TestContext.Current.CancellationToken);
        return file;
    }

    static async Task<(int Code, JsonObject Document)> CheckAsync(
        TenantMove move,
        string json,
        Dictionary<string, string?> variables
    )
    {
        var settings = await WriteAsync(move, json);
        var (code, output, error) = await MigratorProgram.RunAsync(
            ["check", "--json", "--settings", settings],
            variables
        );
        Assert.True(output.Length > 0, error);
        return (code, JsonNode.Parse(output)!.AsObject());
    }

    static string[] Texts(JsonNode? list) => [.. list!.AsArray().Select(one => (string)one!)];
}
