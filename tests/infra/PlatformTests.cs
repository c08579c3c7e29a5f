using System.Text.RegularExpressions;
using Infra.Tests.Support;
using Pulumi;
using Pulumi.Utilities;
using YamlDotNet.RepresentationModel;

namespace Infra.Tests;

/// <summary>What all tenants share, declared once a project.</summary>
public sealed class PlatformTests
{
    [Fact]
    public async Task The_graph_is_the_recorded_one()
    {
        var file = Path.Combine(StackFiles.Root, "tests", "infra", "golden", "platform.txt");
        var actual = Golden.Render((await Graph.PlatformAsync()).Graph);
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
            await File.WriteAllTextAsync(file, actual, TestContext.Current.CancellationToken);

        Assert.DoesNotContain("plain-text-of-", actual);
        Assert.Equal(await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken), actual);
    }

    [Fact]
    public async Task Its_outputs_are_all_that_a_tenants_stack_asks_the_platform_for()
    {
        var (_, outputs) = await Graph.PlatformAsync();
        var settings = StackFiles.Settings("globex-health");

        foreach (var property in typeof(Platforms.PlatformStack).GetProperties().Where(IsText))
        {
            var name = char.ToLowerInvariant(property.Name[0]) + property.Name[1..];
            if (StackFiles.Declared.ContainsKey(name))
                settings[$"tenant:{name}"] = await OutputUtilities.GetValueAsync(
                    (Output<string>)property.GetValue(outputs)!
                );
        }

        // Nothing of this is the mock's platform stack any more.
        settings["tenant:platformStack"] = "";
        settings["tenant:notificationChannels"] = """["projects/factory-prod/notificationChannels/1"]""";
        var graph = await Graph.DeployAsync("globex-health", settings);
        Assert.Equal(
            "projects/factory-prod/global/networks/tenants",
            graph.One("Firewall", "api-deny").Text("network")
        );

        static bool IsText(System.Reflection.PropertyInfo property) =>
            property.PropertyType == typeof(Output<string>) && property.Name != nameof(Stack.Urn);
    }

    [Fact]
    public async Task Identities_take_tokens_of_mains_own_workflows_and_of_their_environments()
    {
        var graph = (await Graph.PlatformAsync()).Graph;

        Assert.Equal(
            "assertion.repository_id == '987654321' && assertion.ref == 'refs/heads/main' "
                + "&& assertion.workflow_ref.endsWith('@refs/heads/main')",
            graph.One("WorkloadIdentityPoolProvider").Text("attributeCondition")
        );
        Assert.Equal(
            ["build /images", "deploy /production", "deploy /production-cutover", "plan /plan", "validate /validate"],
            graph
                .All("IAMMember")
                .Where(node => node.Text("role") == "roles/iam.workloadIdentityUser")
                .Select(node => $"{node.Name.Split('-')[0]} {node.Text("member")!.Split("attribute.environment")[1]}")
                .Order()
        );
    }

    [Fact]
    public async Task The_dry_run_signs_in_to_the_shared_database_as_a_tenants_job_does()
    {
        var (graph, outputs) = await Graph.PlatformAsync(
            ("sharedDatabaseName", "shop"),
            ("sharedDatabaseUser", "mover"),
            ("sharedDatabasePort", "6432")
        );
        var tenant = await Graph.OfAsync(
            "acme-corp",
            ("sharedDatabaseName", await OutputUtilities.GetValueAsync(outputs.SharedDatabaseName)),
            ("sharedDatabaseUser", await OutputUtilities.GetValueAsync(outputs.SharedDatabaseUser)),
            ("sharedDatabasePort", await OutputUtilities.GetValueAsync(outputs.SharedDatabasePort))
        );

        var dryRun = Shared(graph);
        Assert.Equal(("shop", "mover", "6432"), (dryRun["DB_NAME"], dryRun["DB_USER"], dryRun["DB_PORT"]));
        Assert.Equal(Shared(tenant), dryRun);
        Assert.Equal(["6432"], graph.One("Firewall", "dry-run-shared").Texts("allows.0.ports"));

        static SortedDictionary<string, string?> Shared(Graph graph) =>
            new(
                graph
                    .One("Job")
                    .List("template.template.containers.0.envs")
                    .Where(node => node.Text("name")!.StartsWith("DB_", StringComparison.Ordinal))
                    .ToDictionary(node => node.Text("name")!, node => node.Text("value"))
            );
    }

    [Theory]
    [InlineData("sharedDatabaseName", "Shop!", "expected a database name")]
    [InlineData("sharedDatabasePort", "0", "allowed are whole numbers from 1 to 65535")]
    [InlineData("networkName", "Main", "expected the name of a network")]
    [InlineData("subnetworkRange", "10.0.0.0", "expected a private range such as 10.128.0.0/20")]
    public async Task A_wrong_setting_of_the_platform_is_one_sentence(string key, string value, string said)
    {
        var fault = await Assert.ThrowsAsync<RunException>(() => Graph.PlatformAsync((key, value)));

        Assert.Contains($"platform:{key} is '{value}', {said}", fault.Message);
    }

    [Fact]
    public void Every_setting_of_the_platform_is_declared_with_its_description()
    {
        var read = Regex
            .Matches(
                File.ReadAllText(Path.Combine(StackFiles.Root, "platform", "PlatformConfig.cs")),
                @"reader\.[A-Z]\w+\(\s*""(\w+)"""
            )
            .Select(match => match.Groups[1].Value);
        var declared = WorkflowFile.Mapping(StackFiles.Load(Path.Combine("platform", "Pulumi.yaml")), "config")!;

        Assert.Equal(read.Order(), declared.Children.Keys.Select(key => key.ToString()).Order());
        Assert.All(
            declared.Children.Values.Cast<YamlMappingNode>(),
            key => Assert.NotNull(WorkflowFile.Scalar(key, "description"))
        );
    }

    [Fact]
    public async Task A_network_that_exists_keeps_its_names_and_ranges()
    {
        var (graph, outputs) = await Graph.PlatformAsync(
            ("networkName", "main"),
            ("subnetworkName", "serverless"),
            ("subnetworkRange", "10.8.0.0/22"),
            ("privateServicesRange", "sql"),
            ("privateServicesPrefix", "20")
        );

        Assert.Equal("main", graph.One("Network").Text("name"));
        Assert.Equal(
            ("serverless", "10.8.0.0/22"),
            (graph.One("Subnetwork").Text("name"), graph.One("Subnetwork").Text("ipCidrRange"))
        );
        Assert.Equal(
            ("sql", (object)20.0),
            (graph.One("GlobalAddress").Text("name"), graph.One("GlobalAddress")["prefixLength"])
        );
        Assert.Equal(
            "projects/factory-prod/global/networks/main",
            await OutputUtilities.GetValueAsync(outputs.Network)
        );
    }

    // https://cloud.google.com/artifact-registry/docs/integrate-cloud-run
    [Fact]
    public async Task Whoever_deploys_may_read_the_images_that_Cloud_Run_is_told_to_run_and_write_none()
    {
        var graph = (await Graph.PlatformAsync()).Graph;
        var member = $"serviceAccount:{graph.One("Account", "deploy").Text("accountId")}@";

        Assert.Equal(
            ["roles/artifactregistry.reader"],
            graph
                .Nodes.Where(node => node["member"] is string text && text.StartsWith(member, StringComparison.Ordinal))
                .Select(node => node.Text("role")!)
                .Where(role => role.StartsWith("roles/artifactregistry.", StringComparison.Ordinal))
        );
        Assert.Equal(
            graph.One("Repository").Text("repositoryId"),
            graph.One("RepositoryIamMember", "deploy-images").Text("repository")
        );
    }

    [Fact]
    public async Task Jobs_run_images_that_main_has_built_and_signed()
    {
        var graph = (await Graph.PlatformAsync()).Graph;
        var member = $"serviceAccount:{graph.One("Account", "build").Text("accountId")}@";

        Assert.Equal("ENFORCED_BLOCK_AND_AUDIT_LOG", graph.One("Policy").Text("defaultAdmissionRule.enforcementMode"));
        Assert.Equal("REQUIRE_ATTESTATION", graph.One("Policy").Text("defaultAdmissionRule.evaluationMode"));
        Assert.Equal(
            [graph.One("Attestor").Text("name")!],
            graph.One("Policy").Texts("defaultAdmissionRule.requireAttestationsBies")
        );
        Assert.StartsWith(
            "//cloudkms.googleapis.com/v1/projects/factory-prod/",
            graph.One("Attestor").Text("attestationAuthorityNote.publicKeys.0.id")
        );
        Assert.Equal(true, graph.One("Job")["binaryAuthorization.useDefault"]);
        Assert.Equal(true, (await Graph.OfAsync("acme-corp")).One("Job")["binaryAuthorization.useDefault"]);
        // Whoever builds can write images and sign them, and change nothing that runs.
        Assert.Equal(
            [
                "roles/artifactregistry.writer",
                "roles/binaryauthorization.attestorsViewer",
                "roles/cloudkms.signerVerifier",
                "roles/containeranalysis.notes.attacher",
                "roles/containeranalysis.occurrences.editor",
                "roles/ondemandscanning.admin",
            ],
            graph
                .Nodes.Where(node => node["member"] is string text && text.StartsWith(member, StringComparison.Ordinal))
                .Select(node => node.Text("role"))
                .Order()
        );
    }

    [Fact]
    public async Task Whoever_validates_may_start_the_dry_run_and_read_logs_and_nothing_else()
    {
        var graph = (await Graph.PlatformAsync()).Graph;
        var member = $"serviceAccount:{graph.One("Account", "validate").Text("accountId")}@";

        Assert.Equal(
            ["roles/logging.viewer", "roles/run.jobsExecutorWithOverrides", "roles/run.viewer"],
            graph
                .Nodes.Where(node => node["member"] is string text && text.StartsWith(member, StringComparison.Ordinal))
                .Select(node => node.Text("role"))
                .Order()
        );
        var job = graph.One("Job");
        Assert.Equal(["/app/dry-run"], job.Texts("template.template.containers.0.commands"));
        Assert.Null(job["template.template.containers.0.args"]);
        Assert.Equal(0.0, job["template.template.maxRetries"]);
        // Whatever host it is told: its password goes to the shared server or nowhere.
        Assert.Equal("ALL_TRAFFIC", job.Text("template.template.vpcAccess.egress"));
        Assert.Equal(["10.10.0.3/32"], graph.One("Firewall", "dry-run-shared").Texts("destinationRanges"));
        Assert.Equal(["0.0.0.0/0"], graph.One("Firewall", "dry-run-deny").Texts("destinationRanges"));
        Assert.All(
            graph.All("Firewall"),
            rule =>
                Assert.Equal(
                    job.Texts("template.template.vpcAccess.networkInterfaces.0.tags"),
                    rule.Texts("targetTags")
                )
        );
    }

    [Fact]
    public async Task The_identity_that_plans_changes_nothing_and_reads_no_secret()
    {
        var graph = (await Graph.PlatformAsync()).Graph;
        var member = $"serviceAccount:{graph.One("Account", "plan").Text("accountId")}@";

        Assert.All(
            graph.Nodes.Where(node =>
                node["member"] is string text && text.StartsWith(member, StringComparison.Ordinal)
            ),
            node =>
                Assert.Contains(
                    node.Text("role"),
                    (string[])
                        [
                            "roles/viewer",
                            "roles/iam.securityReviewer",
                            "roles/serviceusage.serviceUsageConsumer",
                            "roles/storage.objectViewer",
                            "roles/cloudkms.cryptoKeyDecrypter",
                        ]
                )
        );
    }

    [Fact]
    public async Task The_state_is_kept_in_versions_and_away_from_the_public_and_no_data_can_be_deleted()
    {
        var graph = (await Graph.PlatformAsync()).Graph;
        var bucket = graph.One("Bucket");

        Assert.Equal(true, bucket["versioning.enabled"]);
        Assert.Equal("enforced", bucket.Text("publicAccessPrevention"));
        Assert.All(
            graph.All("KeyRing").Concat(graph.All("CryptoKey")).Append(bucket).Append(graph.One("ManagedZone")),
            node => Assert.True(node.Protect)
        );
    }

    [Fact]
    public async Task Every_API_that_a_declared_resource_takes_is_switched_on_first()
    {
        var graph = (await Graph.PlatformAsync()).Graph;
        var apis = graph.All("Service").Select(node => node.Text("service")).ToHashSet();

        Assert.Superset(
            new HashSet<string?>
            {
                "iam.googleapis.com",
                "iamcredentials.googleapis.com",
                "sts.googleapis.com",
                "cloudresourcemanager.googleapis.com",
                "cloudkms.googleapis.com",
                "artifactregistry.googleapis.com",
                "cloudbilling.googleapis.com",
                "serviceusage.googleapis.com",
                "sqladmin.googleapis.com",
                "run.googleapis.com",
                "identitytoolkit.googleapis.com",
            },
            apis
        );
        Assert.All(graph.All("Service"), node => Assert.Equal(false, node["disableOnDestroy"]));
        Assert.All(
            graph.Nodes.Where(node =>
                node.Type.StartsWith("gcp:", StringComparison.Ordinal) && !graph.All("Service").Contains(node)
            ),
            node => Assert.Contains("gcp:projects/service:Service iam", node.DependsOn)
        );
    }

    [Fact]
    public async Task What_tenants_log_stays_out_of_the_projects_shared_bucket()
    {
        var filter = (await Graph.PlatformAsync()).Graph.One("ProjectExclusion").Text("filter")!;

        Assert.Contains("service_name=~\"^(api|ui)-\"", filter);
        Assert.Contains("job_name=~\"^migrator-\"", filter);
        Assert.Contains("database_id=~\":db-\"", filter);
    }

    [Fact]
    public async Task Before_there_is_an_image_there_is_no_dry_run_job_and_all_else_stands()
    {
        var (graph, outputs) = await Graph.PlatformAsync(("migratorImage", null));

        Assert.Empty(graph.All("Job"));
        Assert.NotEmpty(graph.All("Repository"));
        Assert.Equal("", await OutputUtilities.GetValueAsync(outputs.DryRunJob));
    }

    [Fact]
    public async Task The_rules_of_every_stack_hold_for_the_platform()
    {
        var path = Path.GetTempFileName();
        await File.WriteAllTextAsync(
            path,
            PreviewJson.Of((await Graph.PlatformAsync()).Graph).ToJsonString(),
            TestContext.Current.CancellationToken
        );

        var (exitCode, _, error) = await Tool.RunAsync("node", [".github/scripts/policy.mjs", path]);

        File.Delete(path);
        Assert.True(exitCode == 0, error);
    }
}
