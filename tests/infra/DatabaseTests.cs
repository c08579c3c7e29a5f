using Infra.Tests.Support;

namespace Infra.Tests;

public class DatabaseTests
{
    static async Task<Node> InstanceAsync(string stack) => (await Graph.OfAsync(stack)).One("DatabaseInstance");

    [Theory, Stacks]
    public async Task A_tenant_has_one_instance_with_one_database_of_the_name_that_the_migrator_uses(string stack)
    {
        var graph = await Graph.OfAsync(stack);

        var database = graph.One("Database");
        Assert.Equal($"tenant_{stack.Replace('-', '_')}", database.Text("name"));
        Assert.Equal($"{graph.One("DatabaseInstance").Name}{Cloud.NameSuffix}", database.Text("instance"));
        Assert.Equal(("UTF8", "en_US.UTF8"), (database.Text("charset"), database.Text("collation")));
    }

    [Theory, Stacks]
    public async Task The_instance_has_no_public_address_and_admits_no_network(string stack)
    {
        var instance = await InstanceAsync(stack);

        Assert.Equal(false, instance["settings.ipConfiguration.ipv4Enabled"]);
        Assert.StartsWith("projects/", instance.Text("settings.ipConfiguration.privateNetwork"));
        Assert.Equal("google-managed-services", instance.Text("settings.ipConfiguration.allocatedIpRange"));
        Assert.Null(instance["settings.ipConfiguration.authorizedNetworks"]);
    }

    [Theory, Stacks]
    public async Task Connections_that_are_not_encrypted_are_refused(string stack) =>
        Assert.Equal("ENCRYPTED_ONLY", (await InstanceAsync(stack)).Text("settings.ipConfiguration.sslMode"));

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
        var backup = await InstanceAsync(stack);

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

    [Fact]
    public async Task A_pooled_server_is_reached_at_its_poolers_port_by_the_API_alone()
    {
        var graph = await Graph.OfAsync("globex-health", ("connectionPooling", "true"));

        Assert.Equal(true, graph.One("DatabaseInstance")["settings.connectionPoolConfigs.0.connectionPoolingEnabled"]);
        Assert.Contains(
            graph.One("Service", "api").List("template.containers.0.envs"),
            env => env.Text("name") == "DB_PORT" && env.Text("value") == "6432"
        );
        Assert.Equal("6432", graph.One("Firewall", "api-database").Text("allows.0.ports.0"));
        Assert.Equal("5432", graph.One("Firewall", "migrator-database").Text("allows.0.ports.0"));
    }

    [Theory, Stacks]
    public async Task Backups_outlive_the_instance_and_a_last_one_is_made_when_it_is_deleted(string stack)
    {
        var instance = await InstanceAsync(stack);

        Assert.Equal(true, instance["settings.retainBackupsOnDelete"]);
        Assert.Equal(true, instance["settings.finalBackupConfig.enabled"]);
        Assert.Equal(30.0, instance["settings.finalBackupConfig.retentionDays"]);
    }

    [Theory, Stacks]
    public async Task Both_deletion_protections_are_on(string stack)
    {
        var instance = await InstanceAsync(stack);

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

    [Theory]
    [InlineData("dev", "ENTERPRISE", "db-custom-1-3840", "ZONAL")]
    [InlineData("acme-corp", "ENTERPRISE", "db-custom-4-16384", "REGIONAL")]
    [InlineData("globex-health", "ENTERPRISE_PLUS", "db-perf-optimized-N-4", "REGIONAL")]
    public async Task The_edition_is_explicit_and_offers_the_machine(
        string stack,
        string edition,
        string machine,
        string availability
    )
    {
        var instance = await InstanceAsync(stack);

        Assert.Equal(edition, instance.Text("settings.edition"));
        Assert.Equal(machine, instance.Text("settings.tier"));
        Assert.Equal(availability, instance.Text("settings.availabilityType"));
    }

    [Theory]
    [InlineData("ENTERPRISE", "db-perf-optimized-N-4")]
    [InlineData("ENTERPRISE", "db-custom-3-7680")]
    [InlineData("ENTERPRISE", "db-custom-2-7681")]
    [InlineData("ENTERPRISE", "db-custom-2-3072")]
    [InlineData("ENTERPRISE", "db-custom-2-16384")]
    [InlineData("ENTERPRISE", "db-n1-standard-1")]
    [InlineData("ENTERPRISE_PLUS", "db-custom-2-7680")]
    [InlineData("ENTERPRISE_PLUS", "db-perf-optimized-N-3")]
    public async Task A_machine_that_the_edition_does_not_offer_is_refused(string edition, string machine)
    {
        var (message, registered) = await Graph.FaultAsync(
            "dev",
            "dev",
            ("edition", edition),
            ("machineType", machine)
        );

        Assert.Contains($"tenant:machineType is '{machine}', which edition {edition} does not offer", message);
        Assert.Empty(registered);
    }

    [Theory]
    [InlineData("true", "on")]
    [InlineData("false", "off")]
    public async Task The_API_signs_in_with_its_account_and_logical_decoding_is_as_configured(
        string setting,
        string flag
    )
    {
        var graph = await Graph.OfAsync("acme-corp", ("logicalDecoding", setting));

        var flags = graph
            .One("DatabaseInstance")
            .List("settings.databaseFlags")
            .ToDictionary(item => item.Text("name")!, item => item.Text("value"));
        Assert.Equal("on", flags["cloudsql.iam_authentication"]);
        Assert.Equal(flag, flags["cloudsql.logical_decoding"]);
        Assert.Equal("400", flags["max_connections"]);
        var user = graph.One("User", "api");
        Assert.Equal("CLOUD_IAM_SERVICE_ACCOUNT", user.Text("type"));
        Assert.Equal("api-acme-corp@factory.iam", user.Text("name"));
        Assert.Null(user["password"]);
    }

    [Theory, Stacks]
    public async Task Changes_can_be_streamed_out_of_every_tenants_database_and_nobody_says_SQL_for_it(string stack)
    {
        var flags = (await InstanceAsync(stack))
            .List("settings.databaseFlags")
            .ToDictionary(item => item.Text("name")!, item => item.Text("value"));
        var manual = File.ReadAllText(Path.Combine(StackFiles.Root, "docs", "infrastructure.md"));

        Assert.Equal("on", flags["cloudsql.logical_decoding"]);
        // Cloud SQL's API creates the role, and no API gives it the attribute: the migrator takes it (ReplicationRight).
        Assert.DoesNotContain("```sql", manual);
        Assert.DoesNotContain($"ALTER ROLE {Database.MigratorRole}", manual);
    }

    [Fact]
    public async Task A_regulated_tenant_has_its_schema_and_role_changes_audited()
    {
        var flags = (await InstanceAsync("globex-health"))
            .List("settings.databaseFlags")
            .ToDictionary(item => item.Text("name")!, item => item.Text("value"));

        Assert.Equal("on", flags["cloudsql.enable_pgaudit"]);
        Assert.Equal("ddl,role", flags["pgaudit.log"]);
    }

    [Theory, Stacks]
    public async Task Query_insights_a_maintenance_window_and_a_password_policy_are_set(string stack)
    {
        var instance = await InstanceAsync(stack);

        Assert.Equal(true, instance["settings.insightsConfig.queryInsightsEnabled"]);
        Assert.Equal(7.0, instance["settings.maintenanceWindow.day"]);
        Assert.Equal(3.0, instance["settings.maintenanceWindow.hour"]);
        Assert.Equal("stable", instance["settings.maintenanceWindow.updateTrack"]);
        Assert.Equal(true, instance["settings.passwordValidationPolicy.enablePasswordPolicy"]);
        Assert.Equal(16.0, instance["settings.passwordValidationPolicy.minLength"]);
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
    public async Task The_instance_is_named_by_Pulumi_because_a_deleted_name_stays_taken_for_a_week(string stack)
    {
        var instance = await InstanceAsync(stack);

        Assert.Null(instance["name"]);
        Assert.NotEqual(stack, instance.Name);
    }

    [Theory, Stacks]
    public async Task The_instance_is_protected_and_its_disk_may_grow_by_itself(string stack)
    {
        var instance = await InstanceAsync(stack);

        Assert.True(instance.Protect);
        Assert.Equal(["settings.diskSize"], instance.IgnoreChanges);
        Assert.Equal(true, instance["settings.diskAutoresize"]);
    }

    [Fact]
    public async Task With_managed_roles_the_application_uses_what_the_migrator_creates_and_the_public_cannot_connect()
    {
        var graph = await Graph.OfAsync("globex-health");

        var role = graph.One("Role");
        Assert.Equal("app_globex_health", role.Text("name"));
        Assert.Equal(false, role["login"]);
        Assert.Equal(
            ("api-globex-health@factory.iam", "app_globex_health"),
            (graph.One("GrantRole").Text("role"), graph.One("GrantRole").Text("grantRole"))
        );
        Assert.Equal(["CONNECT"], graph.One("Grant", "application-connects").Texts("privileges"));
        var nobody = graph.One("Grant", "public-does-not-connect");
        Assert.Equal(("public", "database"), (nobody.Text("role"), nobody.Text("objectType")));
        Assert.Empty(nobody.Texts("privileges"));
        Assert.All(graph.All("DefaultPrivileges"), node => Assert.Equal("migrator", node.Text("owner")));
        Assert.Equal(
            ["SELECT", "INSERT", "UPDATE", "DELETE"],
            graph.One("DefaultPrivileges", "application-writes-tables").Texts("privileges")
        );
        Assert.Equal("require", graph.One("postgresql").Text("sslmode"));
    }

    [Fact]
    public async Task Without_managed_roles_nothing_needs_a_route_to_the_private_address() =>
        Assert.DoesNotContain(
            (await Graph.OfAsync("acme-corp")).Nodes,
            node => node.Type.Contains("postgresql", StringComparison.Ordinal)
        );
}
