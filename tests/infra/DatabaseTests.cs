using Infra.Tests.Support;

namespace Infra.Tests;

public class DatabaseTests
{
    internal static async Task<Node> InstanceAsync(string stack) =>
        (await Graph.OfAsync(stack)).One("DatabaseInstance");

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
    public async Task The_instance_is_named_by_Pulumi_because_a_deleted_name_stays_taken_for_a_week(string stack)
    {
        var instance = await InstanceAsync(stack);

        Assert.Null(instance["name"]);
        Assert.NotEqual(stack, instance.Name);
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
