using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Migrator.Model;
using Migrator.Settings;
using Migrator.Terminal;
using Migrator.Tests.Crashes;
using Migrator.Tests.Support;

namespace Migrator.Tests.Reporting;

/// <summary>
/// Each JSON document as recorded in golden/: keys, their order, nulls and the layout. Values that differ from run to
/// run keep their form alone.
/// </summary>
public sealed partial class JsonDocumentTests(Servers servers)
{
    const string Notes = """
        CREATE TABLE notes (id bigserial PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, body text);
        INSERT INTO notes (tenant_id, body) SELECT 1 + n % 2, 'x' FROM generate_series(1, 100) n;
        CREATE TABLE imports (id bigint);
        ANALYZE;
        """;

    static readonly Tenancy Tenancy = new() { Ignored = [TableName.Parse("public.imports")] };

    static readonly (string Key, string Value)[] Volatile =
    [
        ("(?:bytes|wal_bytes|wal_held_bytes|lag_bytes|age_seconds|port)", "0"),
        // Known from PostgreSQL 17 on.
        ("(?:failover|synced)", "null"),
        ("(?:seconds|estimated_seconds|estimated_pause_seconds|log_left_seconds|lag_ms|pause(?:_from|_to)?_ms)", "0.0"),
    ];

    [Fact]
    public async Task The_documents_of_a_tenant_that_goes_and_stays()
    {
        await using var move = await CreateAsync();
        await RequireAsync(move, "routes", ExitCode.Done, "routes");
        await RequireAsync(move, "status-shared", ExitCode.Done, "status");
        await RequireAsync(move, "error", ExitCode.Refused, "rollback", "--confirm");
        await RequireAsync(move, "plan", ExitCode.Done, "promote", "--dry-run");

        await RequireAsync(move, "promote", ExitCode.Done, "promote", "--confirm");
        await RequireAsync(move, "status-isolated", ExitCode.Done, "status");
        await RequireAsync(move, "list", ExitCode.Done, "list");
        await RequireAsync(move, "verify", ExitCode.Done, "verify");

        await RequireAsync(move, "finalize", ExitCode.Done, "finalize", "--confirm");
    }

    [Fact]
    public async Task The_documents_of_a_tenant_that_comes_back()
    {
        await using var move = await CreateAsync();
        await move.PromoteAsync();
        await RequireAsync(move, "rollback", ExitCode.Done, "rollback", "--confirm");

        await InjectedFault.GuardAsync(move, "moved");
        await InjectedFault.StreamAsync(move.Shared, move.Forward());
        await RequireAsync(move, "status-warnings", ExitCode.Done, "status");
        await RequireAsync(move, "doctor", ExitCode.Failed, "doctor");
        await RequireAsync(move, "doctor-fixed", ExitCode.Done, "doctor", "--fix", "--confirm");
    }

    [Fact]
    public async Task The_documents_of_a_tenant_that_is_held()
    {
        await using var move = await CreateAsync();
        await HoldAsync(move);
        await RequireAsync(move, "status-holding", ExitCode.Done, "status");
        await move.RollBackAsync();
        await move.MustBeHomeAsync();
    }

    [Fact]
    public async Task The_document_of_a_pull_request()
    {
        var folder = Directory.CreateTempSubdirectory("migrator-tests-");
        try
        {
            var file = Path.Combine(folder.FullName, "event.json");
            await File.WriteAllTextAsync(
                file,
                """
                {"pull_request": {"labels": [{"name": "promote-tenant:acme-corp"}], "title": "", "body": null}}
                """
            );
            await File.WriteAllTextAsync(Path.Combine(folder.FullName, "Pulumi.acme-corp.yaml"), "");
            var (_, output, _) = await MigratorProgram.RunAsync([
                "resolve-tenant",
                "--event",
                file,
                "--registry",
                folder.FullName,
                "--json",
            ]);
            await GoldenFile.RequireAsync("golden/resolve-tenant.json", output);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task The_lines_of_the_log()
    {
        await using var move = await CreateAsync();
        string[] log = ["--log-format", "json"];
        var refused = await SayAsync(move, ExitCode.Refused, ["rollback", "--confirm", .. log]);
        move.Mode = PromotionOptions.Fenced;
        await move.PromoteAsync(stopBefore: PhaseName.CopyData);
        var resumed = await SayAsync(move, ExitCode.Done, ["promote", "--confirm", .. log]);

        // One of each kind: how many there are, and in which order, is not what a document promises. How far a phase is comes
        // every ten seconds, and has a document of its own.
        var lines = Timeless(refused.Error + resumed.Error, move)
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(line => (string?)JsonNode.Parse(line)!["event"] != "progress")
            .Order(StringComparer.Ordinal)
            .DistinctBy(line =>
            {
                var entry = JsonNode.Parse(line)!;
                return $"{entry["severity"]} {entry["event"]}";
            });
        await GoldenFile.RequireAsync("golden/log.jsonl", string.Join('\n', lines) + "\n");
    }

    async Task<TenantMove> CreateAsync() => await TenantMove.CreateAsync(servers, Notes, servers.Dedicated, Tenancy);

    // Holds without a run: somebody has pressed Ctrl-C.
    static async Task HoldAsync(TenantMove move)
    {
        using var stop = new CancellationTokenSource();
        var promotion = TenantMove.WithPromotionAsync(
            move.Settings,
            move.Parsed,
            move.Options() with
            {
                Hold = new(),
            },
            new SilentProgress(),
            promotion => promotion.PromoteAsync(stop.Token)
        );
        await Waiting.UntilAsync(async () =>
            await move.Shared.ScalarAsync<bool>("SELECT to_regclass('tenant_promotion.hold') IS NOT NULL")
            && await move.Shared.ScalarAsync<bool>(
                "SELECT EXISTS (SELECT FROM tenant_promotion.hold WHERE state ->> 'PauseToMs' IS NOT NULL)"
            )
        );
        await stop.CancelAsync();
        await Assert.ThrowsAsync<MigratorException>(() => promotion);
    }

    static async Task RequireAsync(TenantMove move, string document, ExitCode expected, params string[] words)
    {
        var (output, _) = await SayAsync(move, expected, [.. words, "--json"]);
        await GoldenFile.RequireAsync($"golden/{document}.json", Timeless(output, move));
    }

    static async Task<(string Output, string Error)> SayAsync(TenantMove move, ExitCode expected, params string[] words)
    {
        var settings = Path.Combine(move.Settings.RoutingDirectory, "tenancy.json");
        await File.WriteAllTextAsync(settings, """{"ignored": ["public.imports"]}""");
        string[] tenant = words[0] is "list" or "doctor" ? [] : [$"--tenant-slug={move.Slug}"];
        var (code, output, error) = await InjectedFault.SayAsync(move, [.. words, .. tenant, "--settings", settings]);
        Assert.True(code == (int)expected, $"'{string.Join(' ', words)}' ended with {code}:\n{error}\n{output}");
        return (output, error);
    }

    // Digits of times and measurements become zeros, names become those of a fixed tenant.
    static string Timeless(string text, TenantMove move)
    {
        text = text.Replace(move.Settings.RoutingDirectory, "/config");
        text = text.Replace(move.Shared.Name, "shared").Replace(move.Slug.Replace('-', '_'), "acme");
        text = text.Replace(move.Slug, "acme").Replace(move.Slug.Replace("acme", "bolt"), "bolt");
        text = Times().Replace(text, time => Digits().Replace(time.Value, "0"));
        text = Hashes().Replace(text, "$1…");
        text = Sizes().Replace(text, "0 B");
        text = Details().Replace(text, "$1\"…\"");
        text = Measured().Replace(text, measured => Numbers().Replace(measured.Value, "0"));
        foreach (var (key, value) in Volatile)
            text = Regex.Replace(text, $"(\"{key}\": ?)-?[0-9.E+-]+", "${1}" + value);
        return text;
    }

    [GeneratedRegex(@"\d{4}-\d\d-\d\dT[\d:.]+")]
    private static partial Regex Times();

    [GeneratedRegex(@"\d")]
    private static partial Regex Digits();

    [GeneratedRegex("""("digest": ?"|_promotion_acme_)-?[0-9a-f]+""")]
    private static partial Regex Hashes();

    [GeneratedRegex(@"\d[\d.,]* [kMG]?B")]
    private static partial Regex Sizes();

    // What a check found is a text of its own, with measurements in it.
    [GeneratedRegex("""("detail": ?)"(?:[^"\\]|\\.)*["]""")]
    private static partial Regex Details();

    // Texts with a measurement in them: the port of a server, a line of the log.
    [GeneratedRegex("""127\.0\.0\.1:\d+|"message": ?"(?:[^"\\]|\\.)*["]""")]
    private static partial Regex Measured();

    [GeneratedRegex(@"(?!127\.0)(?<![\d.])\d[\d,]*(?:\.\d+)?")]
    private static partial Regex Numbers();
}
