using Infra.Tests.Support;

namespace Infra.Tests;

/// <summary>Who reaches whom.</summary>
public class NetworkTests
{
    [Theory, Stacks]
    public async Task Only_what_speaks_to_the_database_has_a_way_into_the_network(string stack)
    {
        var graph = await Graph.OfAsync(stack);

        Assert.EndsWith(
            "/subnetworks/run",
            graph.One("Service", "api").Text("template.vpcAccess.networkInterfaces.0.subnetwork")
        );
        Assert.EndsWith(
            "/subnetworks/run",
            graph.One("Job").Text("template.template.vpcAccess.networkInterfaces.0.subnetwork")
        );
        Assert.Null(graph.One("Service", "ui")["template.vpcAccess"]);
    }

    [Theory, Stacks]
    public async Task A_program_reaches_its_own_servers_and_no_other_tenants(string stack)
    {
        var graph = await Graph.OfAsync(stack);

        Assert.Equal(["10.20.0.5/32:5432"], Allowed("api"));
        Assert.Equal(["10.20.0.5/32:5432", $"10.10.0.3/32:{(stack == "dev" ? "5432" : "5433")}"], Allowed("migrator"));
        Assert.Equal(
            [$"api-{stack}"],
            graph.One("Service", "api").Texts("template.vpcAccess.networkInterfaces.0.tags")
        );
        Assert.Equal(
            [$"migrator-{stack}"],
            graph.One("Job").Texts("template.template.vpcAccess.networkInterfaces.0.tags")
        );
        Assert.All(
            graph.All("Firewall"),
            rule =>
            {
                Assert.Equal("EGRESS", rule.Text("direction"));
                Assert.Equal([$"{rule.Name.Split('-')[0]}-{stack}"], rule.Texts("targetTags"));
            }
        );
        foreach (var workload in new[] { "api", "migrator" })
        {
            var denied = graph.One("Firewall", $"{workload}-deny");
            Assert.Equal("all", denied.Text("denies.0.protocol"));
            Assert.Contains("10.0.0.0/8", denied.Texts("destinationRanges"));
            // Lower numbers win.
            Assert.All(
                graph.All("Firewall").Where(rule => rule["allows"] is not null),
                rule => Assert.True((double)rule["priority"]! < (double)denied["priority"]!)
            );
        }

        IEnumerable<string> Allowed(string workload) =>
            graph
                .All("Firewall")
                .Where(rule => rule["allows"] is not null && rule.Texts("targetTags")[0] == $"{workload}-{stack}")
                .Select(rule => $"{rule.Texts("destinationRanges")[0]}:{rule.Text("allows.0.ports.0")}");
    }

    [Theory, Stacks]
    public async Task Both_ends_of_the_APIs_connection_are_proven(string stack)
    {
        var api = (await Graph.OfAsync(stack)).One("Service", "api");
        var environment = api.List("template.containers.0.envs")
            .ToDictionary(env => env.Text("name")!, env => env.Text("value"));

        Assert.Equal("verify-ca", environment["DB_SSLMODE"]);
        Assert.Equal(
            environment["DB_SSLROOTCERT"],
            $"{api.Text("template.containers.0.volumeMounts.0.mountPath")}/"
                + api.Text("template.volumes.0.secret.items.0.path")
        );
        Assert.Equal($"serverca-{stack}", api.Text("template.volumes.0.secret.secret"));
    }
}
