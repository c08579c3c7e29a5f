using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Infra.Tests.Support;

namespace Infra.Tests;

/// <summary>The rules that hold for every stack, read from a preview.</summary>
public sealed class PolicyTests : ScriptTests
{
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
}
