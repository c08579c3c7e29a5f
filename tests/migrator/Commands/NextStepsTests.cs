using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.Commands;

/// <summary>Every command that is recommended can be pasted as it stands.</summary>
public sealed partial class NextStepsTests(Servers servers)
{
    // The table of tenants has another name, so a command without the settings fails.
    const string Renamed = """
        ALTER TABLE tenants RENAME TO customers;
        CREATE TABLE notes (id bigserial PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES customers, body text);
        INSERT INTO notes (tenant_id, body) SELECT 1 + n % 2, 'x' FROM generate_series(1, 100) n;
        """;

    [Fact]
    public async Task What_is_recommended_works_as_it_is_printed_until_the_tenant_is_gone_and_back()
    {
        await using var move = await TenantMove.CreateAsync(servers, Renamed, servers.Dedicated);
        var settings = Path.Combine(move.Settings.RoutingDirectory, "my tenancy.json");
        await File.WriteAllTextAsync(
            settings,
            """{"tenants": {"table": "customers"}}""",
            TestContext.Current.CancellationToken
        );
        string[] options =
        [
            "--mode=fenced",
            $"--settings={settings}",
            $"--target=127.0.0.1:{servers.Dedicated.Port}",
            $"--routing-dir={move.Settings.RoutingDirectory}",
        ];

        var planned = await SayAsync(move, 0, ["promote", $"--tenant-slug={move.Slug}", "--dry-run", .. options]);
        var promote = Assert.Single(Steps(planned));
        Assert.Contains("--mode=fenced", promote);

        var promoted = Steps(await SayAsync(move, 0, Words(promote)));
        Assert.Equal(["verify", "rollback", "finalize"], promoted.Select(step => Words(step)[0]));
        await SayAsync(move, 0, Words(promoted[0]));
        Assert.DoesNotContain("different", await SayAsync(move, 0, Words(promoted[0])));

        var back = Steps(await SayAsync(move, 0, Words(promoted[1])));
        Assert.Equal(["promote", "promote"], back.Select(step => Words(step)[0]));
        Assert.All(back, step => Assert.Contains("--mode=fenced", step));
        await SayAsync(move, 0, Words(back[0]));

        // In the document for scripts, and in one that tells of a fault, too.
        var refused = JsonNode.Parse(
            await SayAsync(
                move,
                (int)ExitCode.Refused,
                ["finalize", $"--tenant-slug={move.Slug}", "--confirm", "--json", .. options[1..]]
            )
        )!;
        var next = (string)Assert.Single(refused["next_steps"]!.AsArray())!;
        Assert.Contains($"--settings=\"{settings}\"", next);
        await SayAsync(move, 0, Words(next));
    }

    [Fact]
    public async Task Status_knows_the_mode_and_the_server_of_a_promotion_under_way()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            "CREATE TABLE notes (id bigserial PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants)",
            servers.Dedicated
        );
        move.Mode = PromotionOptions.Fenced;
        await move.PromoteAsync(stopBefore: PhaseName.BuildSchema);

        var steps = Steps(await SayAsync(move, 0, ["status", $"--tenant-slug={move.Slug}"]));

        Assert.Contains("--mode=fenced", steps[0]);
        Assert.All(steps, step => Assert.Contains($"--target=127.0.0.1:{servers.Dedicated.Port}", step));
        await SayAsync(move, 0, [.. Words(steps[1]), $"--routing-dir={move.Settings.RoutingDirectory}"]);
    }

    // As a shell would take it apart.
    static string[] Words(string command) =>
        [.. Word().Matches(command).Skip(1).Select(word => word.Value.Replace("\"", "", StringComparison.Ordinal))];

    static string[] Steps(string output) =>
        [
            .. output
                .Split('\n')
                .Where(line => line.StartsWith("Next: ", StringComparison.Ordinal))
                .Select(line => line["Next: ".Length..].Trim()),
        ];

    // Which server the isolated database is on is said by the options alone.
    static async Task<string> SayAsync(TenantMove move, int expected, string[] words)
    {
        var (code, output, error) = await MigratorProgram.RunAsync(
            words,
            new Dictionary<string, string?>
            {
                ["MIGRATOR_SOURCE"] = move.Shared.ConnectionString(),
                ["TARGET_DB_PASSWORD"] = move.Server.PasswordOf(Servers.Admin),
                ["TARGET_DB_USER"] = Servers.Admin,
            }
        );
        Assert.True(code == expected, $"'{string.Join(' ', words)}' ended with {code}:\n{error}\n{output}");
        return output;
    }

    [GeneratedRegex("""(?:"[^"]*"|[^\s"])+""")]
    private static partial Regex Word();
}
