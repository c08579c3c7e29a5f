using System.Text.Json;
using System.Text.Json.Nodes;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Commands;

/// <summary>
/// The program as a person and as a pipeline use it: words in, exit code, standard output and standard error out.
/// </summary>
public sealed class AsAUserTests(Servers servers)
{
    const string Notes = """
        CREATE TABLE notes (id bigserial PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, body text);
        INSERT INTO notes (tenant_id, body) SELECT 1 + n % 2, 'x' FROM generate_series(1, 100) n;
        ANALYZE notes;
        """;

    [Fact]
    public async Task A_tenant_goes_and_comes_back_with_the_documents_that_applications_read()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes, servers.Dedicated);

        await PlanMustChangeNothingAsync(move);
        await PromotedMustBeReportedAsync(move);
        await StatusMustHaveItsFieldsAsync(move);
        await RouteMustBeTheSameEverywhereAsync(move);

        Assert.True((bool)(await RunAsync(move, 0, "verify", "--json"))["equal"]!);
        await move.Isolated.ExecuteAsync("INSERT INTO notes (tenant_id, body) VALUES (1, 'later')");
        Assert.False((bool)(await RunAsync(move, 0, "verify", "--json"))["equal"]!);

        Assert.Equal(
            "shared",
            (string)(await RunAsync(move, 0, "rollback", "--confirm", "--drop-isolated", "--json"))["isolation_mode"]!
        );
        Assert.Equal(51, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM notes WHERE tenant_id = 1"));
        Assert.False(File.Exists(move.RoutingFile));
        Assert.False(await move.IsolatedExistsAsync());
    }

    static async Task PlanMustChangeNothingAsync(TenantMove move)
    {
        var planned = await RunAsync(move, 0, "promote", "--dry-run", "--json");
        Assert.Equal(
            50,
            (long)planned["tables"]!.AsArray().Single(table => (string)table!["table"]! == "public.notes")!["rows"]!
        );
        Assert.False(await move.IsolatedExistsAsync());
        Assert.False(await TenantMove.HasOwnSchemaAsync(move.Shared));
    }

    static async Task PromotedMustBeReportedAsync(TenantMove move)
    {
        var promoted = await RunAsync(
            move,
            0,
            "promote",
            "--confirm",
            "--json",
            "--report",
            Path.Combine(move.Settings.RoutingDirectory, "report.md")
        );
        Assert.Equal("isolated", (string)promoted["isolation_mode"]!);
        Assert.Contains(
            "| public.notes | 50 |",
            await File.ReadAllTextAsync(Path.Combine(move.Settings.RoutingDirectory, "report.md"))
        );
    }

    static async Task StatusMustHaveItsFieldsAsync(TenantMove move)
    {
        var status = await RunAsync(move, 0, "status", "--json");
        foreach (
            var field in (string[])
                [
                    "tenant_slug",
                    "tenant_id",
                    "isolation_mode",
                    "plan",
                    "status",
                    "created_at",
                    "updated_at",
                    "isolation",
                    "routing",
                    "promotion",
                    "next_steps",
                ]
        )
            Assert.True(status.ContainsKey(field), field);
        foreach (var field in (string[])["state", "phase", "mode", "started_at", "tables", "rows", "pause_ms", "error"])
            Assert.True(status["promotion"]!.AsObject().ContainsKey(field), field);
    }

    async Task RouteMustBeTheSameEverywhereAsync(TenantMove move)
    {
        var route = string.Concat(
            $$$"""
            {"tenant_slug":"{{{move.Slug}}}","isolation_mode":"isolated",
            "database":{"name":"{{{move.TargetName}}}","host":"127.0.0.1","port":{{{servers.Dedicated.Port}}}},
            "endpoints":{"api":"api-{{{move.Slug}}}.factory.local","ui":"app-{{{move.Slug}}}.factory.local"}}
            """.Split('\n')
        );
        Assert.Equal(route, (await File.ReadAllTextAsync(move.RoutingFile)).Trim());
        Assert.Equal(route, (await SayAsync(move, "routes")).Output.Trim());
        var settings = JsonNode.Parse(
            await move.Shared.ScalarAsync<string>("SELECT settings::text FROM tenants WHERE id = 1")
        )!;
        Assert.Equal("dark", (string)settings["theme"]!);
        Assert.Equal(
            ["isolated_at", "isolated_db_name", "migration_version"],
            settings["isolation"]!.AsObject().Select(field => field.Key).Order(StringComparer.Ordinal)
        );
        Assert.Equal(move.TargetName, (string)settings["isolation"]!["isolated_db_name"]!);
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", (string)settings["isolation"]!["isolated_at"]!);
        Assert.Equal("001", (string)settings["isolation"]!["migration_version"]!);
    }

    [Fact]
    public async Task What_a_tired_person_types_gets_a_sentence_a_next_step_and_the_right_code()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        Task Expect(int code, string sentence, params string[] words) => FailsAsync(move, code, sentence, words);

        const string beginning = "acme";
        await Expect(
            2,
            $"Tenant '{beginning}' not found. Did you mean '{move.Slug}'?",
            "promote",
            $"--tenant-slug={beginning}",
            "--confirm"
        );
        await Expect(2, "is not a tenant slug", "promote", "--tenant-slug=Acme_Corp", "--confirm");
        await Expect(2, "Add --confirm", "promote", $"--tenant-slug={move.Slug}");
        await Expect(2, "There is no command 'promot'", "promot");
        await Expect(2, "--jbos", "promote", $"--tenant-slug={move.Slug}", "--jbos=3");
        await Expect(2, "is not a duration", "promote", $"--tenant-slug={move.Slug}", "--max-pause=soon");
        await Expect(3, "no promotion", "rollback", $"--tenant-slug={move.Slug}", "--confirm");
        await Expect(3, "not isolated", "finalize", $"--tenant-slug={move.Slug}", "--confirm");
        await move.Shared.ExecuteAsync("CREATE TABLE oddments (id bigint)");
        await Expect(3, "\"reference\": [\"public.oddments\"]", "promote", $"--tenant-slug={move.Slug}", "--confirm");
        await move.Shared.ExecuteAsync("DROP TABLE oddments");
        await Expect(1, "cannot be reached", "status", $"--tenant-slug={move.Slug}", "PORT");
        await Expect(3, "refuses the login", "status", $"--tenant-slug={move.Slug}", "PASSWORD");
        Assert.Null(await move.GuardAsync());
    }

    static async Task FailsAsync(TenantMove move, int code, string sentence, string[] words)
    {
        var (exit, output, error) = await SayAsync(move, words);
        Assert.True(
            exit == code && error.Contains(sentence),
            $"'{string.Join(' ', words)}' ended with {exit}:\n{error}"
        );
        Assert.Equal("", output);
        Assert.DoesNotContain("   at ", error);
    }

    [Fact]
    public async Task A_setting_that_means_nothing_is_named()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        var file = Path.Combine(move.Settings.RoutingDirectory, "tenancy.json");
        await File.WriteAllTextAsync(file, """{"refrence": ["public.plans"]}""");

        var (code, _, error) = await SayAsync(move, "status", $"--tenant-slug={move.Slug}", "--settings", file);

        Assert.Equal(2, code);
        Assert.Contains("'refrence'", error);
        Assert.Contains("reference", error);
    }

    [Fact]
    public async Task Standard_output_holds_the_result_alone_and_the_log_is_for_machines()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);

        var (code, output, error) = await SayAsync(
            move,
            "promote",
            $"--tenant-slug={move.Slug}",
            "--confirm",
            "--json",
            "--log-format",
            "json"
        );

        Assert.Equal(0, code);
        using var result = JsonDocument.Parse(output);
        foreach (var line in error.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            using var entry = JsonDocument.Parse(line);
            Assert.Contains(
                entry.RootElement.GetProperty("severity").GetString(),
                (string[])["INFO", "WARNING", "ERROR"]
            );
            Assert.NotEmpty(entry.RootElement.GetProperty("message").GetString()!);
        }
        foreach (var role in (string[])[Servers.Admin])
            Assert.DoesNotContain(move.Server.PasswordOf(role), output + error);
    }

    static async Task<JsonObject> RunAsync(TenantMove move, int expected, string verb, params string[] flags)
    {
        var (code, output, error) = await SayAsync(move, [verb, $"--tenant-slug={move.Slug}", .. flags]);
        Assert.True(code == expected, $"{verb} ended with {code} instead of {expected}:\n{error}");
        return JsonNode.Parse(output)!.AsObject();
    }

    // The words PORT and PASSWORD stand for a wrong one in the environment.
    static async Task<(int ExitCode, string Output, string Error)> SayAsync(TenantMove move, params string[] words)
    {
        var source = new NpgsqlConnectionStringBuilder(move.Shared.ConnectionString());
        var target = new NpgsqlConnectionStringBuilder(move.Server.ConnectionString("postgres", move.Shared.Owner));
        return await MigratorProgram.RunAsync(
            words is ["routes"]
                ? ["routes", $"--tenant-slug={move.Slug}"]
                :
                [
                    .. words.Where(word => word is not ("PORT" or "PASSWORD")),
                    .. words is ["promot"] ? (string[])[] : ["--routing-dir", move.Settings.RoutingDirectory],
                ],
            new Dictionary<string, string?>
            {
                ["DB_HOST"] = source.Host,
                ["DB_PORT"] = words.Contains("PORT") ? "1" : source.Port.ToString(),
                ["DB_NAME"] = source.Database,
                ["DB_USER"] = source.Username,
                ["DB_PASSWORD"] = words.Contains("PASSWORD") ? "wrong" : source.Password,
                ["TARGET_DB_HOST"] = target.Host,
                ["TARGET_DB_PORT"] = target.Port.ToString(),
                ["TARGET_DB_USER"] = target.Username,
                ["TARGET_DB_PASSWORD"] = target.Password,
            }
        );
    }
}
