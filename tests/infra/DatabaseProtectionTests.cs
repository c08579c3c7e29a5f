using Infra.Tests.Support;

namespace Infra.Tests;

/// <summary>What keeps the tenant's data: backups, keys and protections.</summary>
public class DatabaseProtectionTests
{
    [Theory]
    [InlineData("dev", 14, 7, "eu")]
    [InlineData("acme-corp", 30, 7, "eu")]
    [InlineData("globex-health", 90, 35, "eu")]
    public async Task Backups_are_made_daily_kept_as_the_plan_says_and_reach_back_to_any_point_in_time(
        string stack,
        int backups,
        int days,
        string location
    )
    {
        var backup = await DatabaseTests.InstanceAsync(stack);

        Assert.Equal(true, backup["settings.backupConfiguration.enabled"]);
        Assert.Equal(true, backup["settings.backupConfiguration.pointInTimeRecoveryEnabled"]);
        Assert.Equal((double)days, backup["settings.backupConfiguration.transactionLogRetentionDays"]);
        Assert.Equal((double)backups, backup["settings.backupConfiguration.backupRetentionSettings.retainedBackups"]);
        Assert.Equal("COUNT", backup["settings.backupConfiguration.backupRetentionSettings.retentionUnit"]);
        Assert.Equal(location, backup["settings.backupConfiguration.location"]);
    }

    [Theory]
    [InlineData("europe-west3", "eu")]
    [InlineData("us-central1", "us")]
    [InlineData("asia-south1", "asia")]
    [InlineData("australia-southeast1", "australia-southeast1")]
    public async Task A_lost_region_takes_no_backup_along_where_the_continent_has_another(string region, string place)
    {
        var graph = await Graph.OfAsync(
            "dev",
            ("region", region),
            ("subnetwork", $"projects/factory-dev/regions/{region}/subnetworks/run")
        );

        Assert.Equal(place, graph.One("DatabaseInstance").Text("settings.backupConfiguration.location"));
    }

    [Fact]
    public async Task A_regulated_tenants_data_is_encrypted_with_a_key_of_its_own_that_Googles_services_may_use_first()
    {
        var graph = await Graph.OfAsync("globex-health");
        var key = graph.One("CryptoKey");
        var id = $"CryptoKey/{key.Name}{Cloud.NameSuffix}";
        var users = graph.All("CryptoKeyIAMMember");

        Assert.True(key.Protect);
        Assert.Equal("7776000s", key.Text("rotationPeriod"));
        Assert.Equal(
            ["cloud-sql", "logging", "secretmanager"],
            users.Select(user => user.Text("member")!.Split("gcp-sa-")[1].Split('.')[0])
        );
        Assert.Equal(id, graph.One("DatabaseInstance").Text("encryptionKeyName"));
        Assert.Equal(id, graph.One("ProjectBucketConfig").Text("cmekSettings.kmsKeyName"));
        Assert.All(
            graph.All("Secret"),
            secret =>
                Assert.Equal(id, secret.Text("replication.userManaged.replicas.0.customerManagedEncryption.kmsKeyName"))
        );
        Assert.All(
            graph.All("Secret").Append(graph.One("DatabaseInstance")).Append(graph.One("ProjectBucketConfig")),
            node => Assert.Subset(node.DependsOn.ToHashSet(), users.Select(user => user.Label).ToHashSet())
        );
        Assert.Empty((await Graph.OfAsync("acme-corp")).All("CryptoKey"));
    }

    [Theory, Stacks]
    public async Task Backups_outlive_the_instance_and_a_last_one_is_made_when_it_is_deleted(string stack)
    {
        var instance = await DatabaseTests.InstanceAsync(stack);

        Assert.Equal(true, instance["settings.retainBackupsOnDelete"]);
        Assert.Equal(true, instance["settings.finalBackupConfig.enabled"]);
        Assert.Equal(30.0, instance["settings.finalBackupConfig.retentionDays"]);
    }

    [Theory, Stacks]
    public async Task Both_deletion_protections_are_on(string stack)
    {
        var instance = await DatabaseTests.InstanceAsync(stack);

        Assert.Equal(true, instance["deletionProtection"]);
        Assert.Equal(true, instance["settings.deletionProtectionEnabled"]);
    }

    [Theory, Stacks]
    public async Task Decommissioning_lifts_every_protection_and_changes_nothing_else(string stack)
    {
        var before = await Graph.OfAsync(stack);
        var after = await Graph.OfAsync(stack, ("decommission", "true"));

        var instance = after.One("DatabaseInstance");
        Assert.Equal(false, instance["deletionProtection"]);
        Assert.Equal(false, instance["settings.deletionProtectionEnabled"]);
        Assert.DoesNotContain(after.Nodes, node => node.Protect || Equals(node["deletionProtection"], true));
        Assert.Contains(before.Nodes, node => node.Protect);
        Assert.Equal(WithoutProtections(Golden.Render(before)), WithoutProtections(Golden.Render(after)));

        static string WithoutProtections(string golden) =>
            string.Join(
                '\n',
                golden
                    .Split('\n')
                    .Where(line =>
                        line
                            is not (
                                "  protect: true"
                                or "  deletionProtection: true"
                                or "  deletionProtection: false"
                                or "    deletionProtectionEnabled: true"
                                or "    deletionProtectionEnabled: false"
                            )
                    )
            );
    }

    [Theory, Stacks]
    public async Task What_lives_in_the_server_is_abandoned_and_goes_away_with_it(string stack)
    {
        var graph = await Graph.OfAsync(stack);
        var instance = graph.One("DatabaseInstance").Label;

        Assert.All(
            graph.All("Database").Concat(graph.All("User")),
            node =>
            {
                Assert.Equal("ABANDON", node.Text("deletionPolicy"));
                Assert.Equal(instance, node.DeletedWith);
            }
        );
        Assert.All(
            graph.Nodes.Where(node => node.Type.StartsWith("postgresql:", StringComparison.Ordinal)),
            node => Assert.Equal(instance, node.DeletedWith)
        );
    }

    [Theory, Stacks]
    public async Task The_instance_is_protected_and_its_disk_may_grow_by_itself(string stack)
    {
        var instance = await DatabaseTests.InstanceAsync(stack);

        Assert.True(instance.Protect);
        Assert.Equal(["settings.diskSize"], instance.IgnoreChanges);
        Assert.Equal(true, instance["settings.diskAutoresize"]);
    }
}
