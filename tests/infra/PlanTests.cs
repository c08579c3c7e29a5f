using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Infra.Tests.Support;

namespace Infra.Tests;

/// <summary>What a preview is read for: the rules that hold for every stack, the costs, and what changes.</summary>
public sealed class PlanTests : IDisposable
{
    readonly string folder = Directory.CreateTempSubdirectory("plan-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory, Stacks]
    public async Task The_stacks_keep_all_rules(string stack)
    {
        var (exitCode, sentences) = await PolicyAsync(PreviewJson.Of(await Graph.OfAsync(stack)));

        Assert.True(exitCode == 0, sentences);
        Assert.Contains("All rules hold.", sentences);
    }

    public static TheoryData<string, string, string> Broken =>
        new()
        {
            { "DatabaseInstance", """{"settings":{"ipConfiguration":{"ipv4Enabled":true}}}""", "has a public address" },
            {
                "DatabaseInstance",
                """{"settings":{"ipConfiguration":{"authorizedNetworks":[{"value":"0.0.0.0/0"}]}}}""",
                "admits networks"
            },
            {
                "DatabaseInstance",
                """{"settings":{"ipConfiguration":{"privateNetwork":null}}}""",
                "no private network"
            },
            {
                "DatabaseInstance",
                """{"settings":{"ipConfiguration":{"sslMode":"ALLOW_UNENCRYPTED_AND_ENCRYPTED"}}}""",
                "takes connections that are not encrypted"
            },
            { "DatabaseInstance", """{"settings":{"backupConfiguration":{"enabled":false}}}""", "has no backups" },
            {
                "DatabaseInstance",
                """{"settings":{"backupConfiguration":{"pointInTimeRecoveryEnabled":false}}}""",
                "has no point-in-time recovery"
            },
            { "DatabaseInstance", """{"deletionProtection":false}""", "has not both deletion protections" },
            {
                "DatabaseInstance",
                """{"settings":{"deletionProtectionEnabled":false}}""",
                "has not both deletion protections"
            },
            { "DatabaseInstance", """{"settings":{"userLabels":null}}""", "carries no labels" },
            {
                "Job",
                """{"template":{"template":{"containers":[{"image":"x/migrator:latest"}]}}}""",
                "runs an image that is not pinned by its digest: x/migrator:latest"
            },
            { "Job", """{"deletionProtection":false}""", "has no deletion protection" },
            { "Job", """{"binaryAuthorization":null}""", "runs images that main has not signed" },
            { "Job", """{"labels":null}""", "carries no labels" },
            { "SecurityPolicy", """{"labels":null}""", "carries no labels" },
        };

    [Theory, MemberData(nameof(Broken))]
    public async Task A_broken_rule_is_named_with_the_resource_that_breaks_it(string type, string change, string said)
    {
        var preview = PreviewJson.Of(await Graph.OfAsync("acme-corp"));
        Merge(PreviewJson.State(preview, type)["inputs"]!.AsObject(), JsonNode.Parse(change)!.AsObject());

        var (exitCode, sentences) = await PolicyAsync(preview);

        Assert.Equal(1, exitCode);
        Assert.Matches($"(?m)^{type} [a-z-]+: .*{Regex.Escape(said)}", sentences);
    }

    [Theory]
    [InlineData("gcp:projects/iAMBinding:IAMBinding", """{"members":[]}""", "sets access as a whole")]
    [InlineData("gcp:secretmanager/secretIamPolicy:SecretIamPolicy", "{}", "sets access as a whole")]
    [InlineData("gcp:projects/iAMMember:IAMMember", """{"role":"roles/editor"}""", "grants roles/editor")]
    [InlineData("gcp:cloudrunv2/serviceIamMember:ServiceIamMember", """{"member":"allUsers"}""", "opens to allUsers")]
    [InlineData("gcp:storage/bucket:Bucket", """{"uniformBucketLevelAccess":true}""", "may become public")]
    [InlineData("gcp:storage/bucket:Bucket", """{"publicAccessPrevention":"enforced"}""", "has access lists")]
    [InlineData("gcp:kms/cryptoKey:CryptoKey", "{}", "is not protected from deletion")]
    [InlineData(
        "gcp:cloudrunv2/service:Service",
        """{"ingress":"INGRESS_TRAFFIC_ALL"}""",
        "is reached past the load balancer"
    )]
    public async Task A_resource_that_no_stack_may_have_is_named(string type, string inputs, string said)
    {
        var preview = PreviewJson.Of(await Graph.OfAsync("acme-corp"));
        var state = new JsonObject
        {
            ["urn"] = $"urn:pulumi:acme-corp::tenant::{type}::mine",
            ["type"] = type,
            ["inputs"] = JsonNode.Parse(inputs),
        };
        preview["steps"]!.AsArray().Add((JsonNode)PreviewJson.Step("create", null, state));

        var (exitCode, sentences) = await PolicyAsync(preview);

        Assert.Equal(1, exitCode);
        Assert.Contains($" mine: {said}", sentences);
    }

    [Theory]
    [InlineData("delete", "false", 1)]
    [InlineData("replace", "false", 1)]
    [InlineData("delete", "true", 0)]
    public async Task No_plan_loses_data_but_that_of_a_tenant_that_is_decommissioned(
        string op,
        string decommission,
        int exitCode
    )
    {
        var preview = PreviewJson.Of(await Graph.OfAsync("acme-corp", ("decommission", decommission)));
        preview["config"]!["tenant:decommission"] = decommission;
        var instance = PreviewJson.State(preview, "DatabaseInstance").DeepClone();
        instance["urn"] = instance["urn"] + "-old";
        preview["steps"]!.AsArray().Add((JsonNode)PreviewJson.Step(op, instance, op == "delete" ? null : instance));

        var (actual, sentences) = await PolicyAsync(preview);

        Assert.True(exitCode == actual, sentences);
        Assert.Equal(exitCode == 1, sentences.Contains($"would be lost ({op})", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("dev", 1)]
    [InlineData("acme-corp", 2)]
    [InlineData("globex-health", 2)]
    public async Task A_plan_is_estimated_from_the_planned_resources_and_the_price_file(string stack, int copies)
    {
        var preview = PreviewJson.Of(await Graph.OfAsync(stack));
        var prices = JsonNode.Parse(await ReadAsync(Path.Combine(StackFiles.Root, ".github", "prices.json")))!;
        var settings = PreviewJson.State(preview, "DatabaseInstance")["inputs"]!["settings"]!;
        var region = prices["regions"]!["europe-west3"]!;
        var rate = region[(string)settings["edition"]! == "ENTERPRISE" ? "sqlEnterprise" : "sqlEnterprisePlus"]!;
        var (cpus, gb) = (string)settings["tier"]! switch
        {
            "db-custom-1-3840" => (1, 3.75),
            "db-custom-4-16384" => (4, 16.0),
            _ => (4, 32.0),
        };

        var comment = await PlanAsync(stack, preview, new JsonObject { ["steps"] = new JsonArray() });

        var machine = copies * 730 * ((cpus * (double)rate["cpuHour"]!) + (gb * (double)rate["gbHour"]!));
        Assert.Contains($" | 0.00 | {machine.ToString("F2", CultureInfo.InvariantCulture)} |", comment);
        Assert.Contains("| Load balancer, 2 forwarding rules | 0.00 | 18.25 |", comment);
        Assert.Contains($"Prices of {prices["asOf"]}, from .github/prices.json.", comment);
        var lines = Regex.Matches(comment, @"^\| [^*|\n]+ \| [0-9.]+ \| ([0-9.]+) \|$", RegexOptions.Multiline);
        var total = double.Parse(
            Regex.Match(comment, @"\*\*together\*\* \| \*\*0\.00\*\* \| \*\*([0-9.]+)\*\*").Groups[1].Value,
            CultureInfo.InvariantCulture
        );
        Assert.InRange(
            lines.Sum(line => double.Parse(line.Groups[1].Value, CultureInfo.InvariantCulture)) - total,
            -0.1,
            0.1
        );
    }

    [Fact]
    public async Task The_comment_tells_the_difference_to_what_main_declares()
    {
        var before = PreviewJson.Of(await Graph.OfAsync("acme-corp"));
        var after = PreviewJson.Of(await Graph.OfAsync("acme-corp", ("machineType", "db-custom-8-32768")));

        var comment = await PlanAsync("acme-corp", after, before);

        Assert.Contains("| ~ | DatabaseInstance db-acme-corp | settings.tier |", comment);
        Assert.Contains("| Cloud SQL db-custom-4-16384, with a standby | 485.89 | 0.00 |", comment);
        Assert.Contains("| Cloud SQL db-custom-8-32768, with a standby | 0.00 | 971.78 |", comment);
        Assert.Contains("The difference is +485.89.", comment);
        Assert.DoesNotContain("| ~ | Service", comment);
    }

    [Fact]
    public async Task Where_nothing_changes_the_comment_says_so()
    {
        var preview = PreviewJson.Of(await Graph.OfAsync("dev"));

        Assert.Contains("Nothing changes.", await PlanAsync("dev", preview, preview));
    }

    [Fact]
    public async Task A_plan_against_the_state_names_what_is_replaced_and_removed()
    {
        var preview = PreviewJson.Of(await Graph.OfAsync("dev"));
        var steps = preview["steps"]!.AsArray();
        var (map, armor) = (
            PreviewJson.State(preview, "URLMap", "hosts"),
            PreviewJson.State(preview, "SecurityPolicy")
        );
        var same = steps.Select(step => PreviewJson.Step("same", step!["newState"], step["newState"])).ToList();
        steps.Clear();
        foreach (var step in same)
            steps.Add((JsonNode)step);
        foreach (var (state, op) in new[] { (map, "replace"), (armor, "delete") })
        {
            var step = same.Single(candidate => (string)candidate["urn"]! == (string)state["urn"]!);
            step["op"] = op;
            if (op == "delete")
                step["newState"] = null;
        }

        var comment = await PlanAsync("dev", preview);

        Assert.Contains("| ± | URLMap hosts | **replaced** |", comment);
        Assert.Contains("| − | SecurityPolicy armor | **removed** |", comment);
        Assert.Contains("| Cloud Armor, 11 rules | 16.00 | 0.00 |", comment);
    }

    [Fact]
    public async Task A_region_without_prices_is_said_to_have_none()
    {
        var preview = PreviewJson.Of(await Graph.OfAsync("dev"));
        PreviewJson.State(preview, "DatabaseInstance")["inputs"]!["region"] = "asia-south1";

        var comment = await PlanAsync("dev", preview, preview);

        Assert.Contains("No prices for region asia-south1: add them to .github/prices.json.", comment);
    }

    [Fact]
    public async Task Nothing_in_a_preview_becomes_markup_of_ours()
    {
        var preview = PreviewJson.Of(await Graph.OfAsync("dev"));
        var state = PreviewJson.State(preview, "DatabaseInstance");
        state["urn"] = "urn:pulumi:dev::tenant::x::a|b\r@everyone <img src=x> [click](https://evil.example)";
        state["inputs"]!["settings"]!["tier"] = "```\n# head";

        var comment = await PlanAsync("dev`<b>", preview, new JsonObject { ["steps"] = new JsonArray() });

        Assert.DoesNotContain("@everyone", comment);
        Assert.DoesNotContain("<img", comment);
        Assert.DoesNotContain("](", comment);
        Assert.DoesNotContain("\r", comment);
        Assert.DoesNotContain("```", comment);
        Assert.StartsWith("### Preview of `devb`\n", comment);
    }

    [Fact]
    public async Task Where_there_was_no_preview_the_comment_says_so()
    {
        var (exitCode, comment, _) = await Tool.RunAsync(
            "node",
            [".github/scripts/plan.mjs", "dev", Path.Combine(folder, "none.json")]
        );

        Assert.Equal(0, exitCode);
        Assert.Contains("It did not run; the job's log says why.", comment);
    }

    [Theory]
    [InlineData("dev")]
    [InlineData("acme-corp")]
    public async Task A_preview_without_an_identity_needs_no_key_no_state_and_no_platform(string stack)
    {
        var file = Path.Combine(folder, $"Pulumi.{stack}.yaml");
        var text = await ReadAsync(Path.Combine(StackFiles.Root, $"Pulumi.{stack}.yaml"));
        await File.WriteAllTextAsync(
            file,
            $"secretsprovider: gcpkms://projects/p\nencryptedkey: abc\n{text}\n"
                + "  tenant:databasePassword:\n    secure: v1:abc\n  tenant:signingKey:\n    secure: >-\n      v1:abc\n",
            TestContext.Current.CancellationToken
        );

        var (exitCode, _, error) = await Tool.RunAsync("node", [".github/scripts/offline-settings.mjs", file]);

        Assert.True(exitCode == 0, error);
        Assert.DoesNotMatch("secure|secretsprovider|encryptedkey|platformStack:", Uncommented(await ReadAsync(file)));
        // The program takes what is left, with made-up secrets and no platform stack.
        var settings = StackFiles.Settings(stack);
        foreach (
            var key in settings.Keys.Where(key => key.StartsWith("tenant:platformStack", StringComparison.Ordinal))
        )
            settings.Remove(key);
        foreach (var (key, value) in StackFiles.Values(file))
            settings[key] = value;
        settings["tenant:databasePassword"] = "Made-up-secret-0-of-a-preview-that-nobody-uses";
        var graph = await Graph.DeployAsync(stack, settings);
        Assert.Equal("europe-west3", graph.One("DatabaseInstance").Text("region"));
        Assert.DoesNotContain(graph.Nodes, node => node.Type == "pulumi:pulumi:StackReference");

        static string Uncommented(string yaml) =>
            string.Join('\n', yaml.Split('\n').Where(line => !line.TrimStart().StartsWith('#')));
    }

    [Fact]
    public async Task A_preview_without_an_identity_speaks_to_no_cloud_and_no_state_but_its_own()
    {
        File.Copy(Path.Combine(StackFiles.Root, "Pulumi.dev.yaml"), Path.Combine(folder, "Pulumi.dev.yaml"));
        var pulumi = Path.Combine(folder, "pulumi");
        await File.WriteAllTextAsync(
            pulumi,
            $$"""
            #!/usr/bin/env bash
            echo "$PULUMI_BACKEND_URL $GOOGLE_OAUTH_ACCESS_TOKEN $*" >> "{{folder}}/calls"
            case "$*" in *preview*) echo '{"steps":[]}' ;; esac
            """,
            TestContext.Current.CancellationToken
        );
        await Tool.RunAsync("chmod", ["+x", pulumi]);

        var result = await Tool.RunAsync(
            "bash",
            [".github/scripts/offline-preview.sh", folder, "dev", $"{folder}/out.json"],
            environment:
            [
                ("PATH", $"{folder}:{Environment.GetEnvironmentVariable("PATH")}"),
                ("PULUMI_BACKEND_URL", "gs://the-real-one"),
            ]
        );

        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Equal("{\"steps\":[]}\n", await ReadAsync($"{folder}/out.json"));
        Assert.All(
            (await ReadAsync($"{folder}/calls")).TrimEnd('\n').Split('\n'),
            call => Assert.Matches(@"^file:///\S+ none -C ", call)
        );
    }

    static void Merge(JsonObject target, JsonObject change)
    {
        foreach (var (key, value) in change)
            if (value is JsonObject inner && target[key] is JsonObject existing)
                Merge(existing, inner);
            else
                target[key] = value?.DeepClone();
    }

    async Task<(int ExitCode, string Sentences)> PolicyAsync(JsonObject preview)
    {
        var (exitCode, _, error) = await Tool.RunAsync(
            "node",
            [".github/scripts/policy.mjs", await WriteAsync("preview.json", preview)]
        );
        return (exitCode, error);
    }

    async Task<string> PlanAsync(string stack, JsonObject after, JsonObject? before = null)
    {
        List<string> arguments = [".github/scripts/plan.mjs", stack, await WriteAsync("after.json", after)];
        if (before is not null)
            arguments.Add(await WriteAsync("before.json", before));

        var (exitCode, comment, error) = await Tool.RunAsync("node", arguments);

        Assert.True(exitCode == 0, error);
        return comment;
    }

    async Task<string> WriteAsync(string name, JsonObject json)
    {
        var path = Path.Combine(folder, name);
        await File.WriteAllTextAsync(path, json.ToJsonString(), TestContext.Current.CancellationToken);
        return path;
    }

    static Task<string> ReadAsync(string path) => File.ReadAllTextAsync(path, TestContext.Current.CancellationToken);
}
