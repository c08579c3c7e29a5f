using Infra.Tests.Support;
using YamlDotNet.RepresentationModel;

namespace Infra.Tests;

public class ConfigTests
{
    static readonly string[] Plans = ["standard", "premium", "regulated"];

    [Theory]
    [InlineData(
        "tier",
        "gold",
        "tenant:tier is 'gold', allowed are standard, premium, regulated. Run 'pulumi config set tier "
            + "standard --stack dev'."
    )]
    [InlineData(
        "apiImage",
        "europe-west3-docker.pkg.dev/factory-dev/images/api:latest",
        "tenant:apiImage is 'europe-west3-docker.pkg.dev/factory-dev/images/api:latest', expected an image "
            + "by digest, such as europe-west3-docker.pkg.dev/factory-dev/images/api@sha256:…. Run 'pulumi config "
            + "set apiImage <value> --stack dev'."
    )]
    [InlineData(
        "uiImage",
        "docker.io/library/ui@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
        "which does not come from europe-west3-docker.pkg.dev/factory-dev/images. Push it there, or change "
            + "artifactRegistry."
    )]
    [InlineData(
        "dnsDomain",
        "dev.factory.example.com",
        "tenant:dnsDomain is 'dev.factory.example.com', expected a domain with its trailing dot, such as "
            + "'factory.example.com.'. Set it in Pulumi.dev.yaml, or name in platformStack a stack that has it as "
            + "an output."
    )]
    [InlineData(
        "region",
        "us-east1",
        "tenant:region is 'us-east1', but the subnetwork "
            + "'projects/factory-dev/regions/europe-west3/subnetworks/run' lies in 'europe-west3'."
    )]
    [InlineData("region", "Frankfurt", "tenant:region is 'Frankfurt', expected a region such as europe-west3.")]
    [InlineData(
        "project",
        null,
        "tenant:project is missing: a project id such as factory-prod. Set it in Pulumi.dev.yaml"
    )]
    [InlineData(
        "notificationChannels",
        "[]",
        "tenant:notificationChannels is missing: at least one projects/P/notificationChannels/ID."
    )]
    [InlineData("notificationChannels", "mail@example.com", "tenant:notificationChannels is not a list of texts.")]
    [InlineData(
        "databasePassword",
        null,
        "tenant:databasePassword is missing. Run 'pulumi config set --secret databasePassword --stack dev'."
    )]
    [InlineData("databasePassword", "hunter2", "tenant:databasePassword is shorter than 16 characters.")]
    [InlineData(
        "databasePassword",
        "0123456789abcdef",
        "tenant:databasePassword has not all of a lower-case letter, an upper-case letter, a digit and "
            + "another character."
    )]
    [InlineData(
        "databasePassword",
        "Sixteen-Migrator-1",
        "tenant:databasePassword contains 'migrator', the role that it belongs to."
    )]
    [InlineData("cpu", "3", "tenant:cpu is '3', allowed are 1, 2, 4, 6, 8. Run 'pulumi config set cpu 1 --stack dev'.")]
    [InlineData("cpu", "4", "tenant:memory is '512Mi', but with 4 CPUs Cloud Run takes 2048Mi to 16384Mi.")]
    [InlineData("memory", "8Gi", "tenant:memory is '8Gi', but with 1 CPU Cloud Run takes 512Mi to 4096Mi.")]
    [InlineData("memory", "128Mi", "tenant:memory is '128Mi', but with 1 CPU Cloud Run takes 512Mi to 4096Mi.")]
    [InlineData("decommission", "yes", "tenant:decommission is 'yes', allowed are true and false.")]
    [InlineData(
        "diskSizeGb",
        "5",
        "tenant:diskSizeGb is '5', allowed are whole numbers from 10 to 65536. Run 'pulumi config set "
            + "diskSizeGb 20 --stack dev'."
    )]
    [InlineData(
        "transactionLogDays",
        "14",
        "tenant:transactionLogDays is '14', allowed are whole numbers from 1 to 7."
    )]
    [InlineData(
        "maxInstances",
        "4",
        "tenant:maxConnections is 100, but 4 API instances may open 80 connections and 30 stay reserved. "
            + "Raise it, or lower maxInstances or connectionsPerInstance."
    )]
    [InlineData(
        "minInstances",
        "3",
        "tenant:minInstances is 3, more than maxInstances 2. Lower it, or raise maxInstances."
    )]
    public async Task A_wrong_setting_is_named_with_what_is_allowed_and_the_remedy_before_anything_is_registered(
        string key,
        string? value,
        string sentence
    )
    {
        var (message, registered) = await Graph.FaultAsync("dev", "dev", (key, value));

        Assert.Contains(sentence, message);
        Assert.Contains("Stack 'dev' cannot be deployed, nothing was changed", message);
        Assert.Empty(registered);
    }

    [Fact]
    public async Task All_faults_are_reported_at_once()
    {
        (string Key, string? Value)[] faults =
        [
            ("tier", "gold"),
            ("apiImage", null),
            ("uiImage", "ui:latest"),
            ("dnsDomain", "example.com"),
            ("region", "x"),
            ("billingAccount", "none"),
            ("signingKey", "short"),
            ("cpu", "many"),
            ("databaseVersion", "MYSQL_8_4"),
            ("manageRoles", "maybe"),
        ];

        var (message, registered) = await Graph.FaultAsync("dev", "dev", faults);

        var lines = message.Split('\n')[1..];
        Assert.All(
            faults,
            fault =>
                Assert.Contains(lines, line => line.StartsWith($"  - tenant:{fault.Key} ", StringComparison.Ordinal))
        );
        Assert.True(faults.Length == lines.Length, message);
        Assert.Empty(registered);
    }

    [Fact]
    public async Task A_point_in_time_can_only_be_reached_from_a_backup_that_is_still_kept()
    {
        var (message, registered) = await Graph.FaultAsync(
            "dev",
            "dev",
            ("tier", "regulated"),
            ("machineType", ""),
            ("retainedBackups", "20")
        );

        Assert.Contains(
            "tenant:retainedBackups is 20, fewer than the 35 days of transactionLogDays, and a recovery "
                + "starts from the backup before its point in time.",
            message
        );
        Assert.Empty(registered);
    }

    [Fact]
    public async Task A_message_never_shows_a_secret()
    {
        var (message, _) = await Graph.FaultAsync(
            "dev",
            "dev",
            ("databasePassword", "hunter2"),
            ("signingKey", "letmein")
        );

        Assert.DoesNotContain("hunter2", message);
        Assert.DoesNotContain("letmein", message);
    }

    public static TheoryData<string> CheckedKeys => [.. StackFiles.Declared.Keys.Where(key => key != "platformStack")];

    [Theory, MemberData(nameof(CheckedKeys))]
    public async Task Every_declared_setting_is_read_and_checked(string key)
    {
        var (message, _) = await Graph.FaultAsync("dev", "dev", (key, "\u0001 hostile"));

        Assert.Contains($"tenant:{key} ", message);
    }

    [Theory]
    [InlineData("Pulumi.dev.yaml")]
    [InlineData("Pulumi.acme-corp.yaml")]
    public void A_stacks_file_sets_declared_settings_of_the_declared_type(string file) =>
        Assert.All(
            ((YamlMappingNode)StackFiles.Load(file).Children["config"]).Children,
            pair =>
            {
                var key = ((YamlScalarNode)pair.Key).Value!;
                Assert.StartsWith("tenant:", key);
                var type = StackFiles.Declared[key["tenant:".Length..]].Children["type"].ToString();
                Assert.Equal(type == "array", pair.Value is YamlSequenceNode);
                Assert.True(type != "integer" || int.TryParse(pair.Value.ToString(), out _), key);
            }
        );

    [Fact]
    public void Every_setting_explains_itself_and_only_what_has_no_sensible_default_is_required()
    {
        Assert.All(
            StackFiles.Declared,
            pair =>
                Assert.EndsWith(
                    ".",
                    pair.Value.Children["description"].ToString().Replace("…", ".", StringComparison.Ordinal)
                )
        );
        Assert.Equal(
            ["apiImage", "uiImage", "migratorImage", "databasePassword", "signingKey"],
            StackFiles.Declared.Where(pair => !pair.Value.Children.ContainsKey("default")).Select(pair => pair.Key)
        );
        Assert.Equal(
            ["databasePassword", "signingKey"],
            StackFiles.Declared.Where(pair => pair.Value.Children.ContainsKey("secret")).Select(pair => pair.Key)
        );
    }

    [Fact]
    public void Every_setting_stands_in_the_manual_with_its_description_and_each_plans_value()
    {
        var manual = File.ReadAllLines(Path.Combine(StackFiles.Root, "docs", "infrastructure.md"));
        string[] Cells(string key) =>
            Assert
                .Single(manual, line => line.StartsWith($"| `{key}` |", StringComparison.Ordinal))
                .Split('|', StringSplitOptions.TrimEntries);

        Assert.All(
            StackFiles.Declared,
            pair => Assert.Contains(pair.Value.Children["description"].ToString(), Cells(pair.Key))
        );
        foreach (
            var property in typeof(Tier)
                .GetProperties()
                .Where(property => StackFiles.Declared.ContainsKey(Camel(property.Name)))
        )
            Assert.Equal(
                Plans.Select(plan => $"{property.GetValue(Tier.All[plan])}"),
                Cells(Camel(property.Name))[3..6]
            );

        static string Camel(string name) => char.ToLowerInvariant(name[0]) + name[1..];
    }

    [Theory]
    [InlineData("standard", "ENTERPRISE")]
    [InlineData("premium", "ENTERPRISE")]
    public async Task An_edition_without_a_pooler_pools_no_connections(string tier, string edition)
    {
        var (message, _) = await Graph.FaultAsync("dev", "dev", ("tier", tier), ("connectionPooling", "true"));

        Assert.Contains($"tenant:connectionPooling is true, but edition {edition} has no pooler.", message);
    }

    [Fact]
    public async Task A_single_key_departs_from_the_plan()
    {
        var graph = await Graph.OfAsync(
            "acme-corp",
            ("machineType", "db-custom-8-32768"),
            ("minInstances", "0"),
            ("wafSensitivity", "3")
        );

        Assert.Equal("db-custom-8-32768", graph.One("DatabaseInstance").Text("settings.tier"));
        Assert.Equal(0.0, graph.One("Service", "api")["template.scaling.minInstanceCount"]);
        Assert.Contains("'sensitivity': 3", graph.One("SecurityPolicy").Text("rules.0.match.expr.expression"));
        Assert.Equal(100.0, graph.One("DatabaseInstance")["settings.diskSize"]);
    }
}
