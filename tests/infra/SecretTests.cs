using System.Reflection;
using Infra.Tests.Support;
using Pulumi;
using Pulumi.Utilities;

namespace Infra.Tests;

public class SecretTests
{
    [Theory, Stacks]
    public async Task Secrets_reach_containers_by_reference_only(string stack)
    {
        var graph = await Graph.OfAsync(stack);
        Node[] containers =
        [
            .. graph.All("Service").SelectMany(node => node.List("template.containers")),
            .. graph.One("Job").List("template.template.containers"),
        ];

        var references = containers
            .SelectMany(node => node.List("envs"))
            .Where(env => env["valueSource.secretKeyRef"] is not null)
            .ToDictionary(env => $"{env.Label}:{env.Text("name")}", env => env.Text("valueSource.secretKeyRef.secret"));
        Assert.Equal(4, references.Count);
        Assert.All(
            containers,
            node => Assert.DoesNotContain("plain-text-of-", Golden.Render(graph with { Nodes = [node] }))
        );
        Assert.All(
            containers.SelectMany(node => node.List("envs")),
            env => Assert.DoesNotMatch("PASSWORD|KEY|SECRET|TOKEN", env["value"] is null ? "" : env.Text("name"))
        );
    }

    [Theory, Stacks]
    public async Task Each_secret_is_readable_by_the_account_that_uses_it_and_by_no_other(string stack)
    {
        var graph = await Graph.OfAsync(stack);
        string Member(string workload) =>
            $"serviceAccount:{graph.One("Account", workload).Text("accountId")}@factory.iam.gserviceaccount.com";

        var readers = graph
            .All("SecretIamMember")
            .Select(node => (node.Text("secretId"), node.Text("role"), node.Text("member")))
            .Order()
            .ToList();

        const string Accessor = "roles/secretmanager.secretAccessor";
        Assert.Equal(
            [
                ($"dbpassword-{stack}", Accessor, Member("migrator")),
                ("factorydb-ca", Accessor, Member("migrator")),
                ("factorydb-password", Accessor, Member("migrator")),
                ($"serverca-{stack}", Accessor, Member("api")),
                ($"serverca-{stack}", Accessor, Member("migrator")),
                ($"signingkey-{stack}", Accessor, Member("api")),
                ($"signinkey-{stack}", Accessor, Member("ui")),
            ],
            readers
        );
    }

    [Theory, Stacks]
    public async Task Once_a_tenant_is_finalized_nothing_of_it_reads_or_reaches_the_shared_database(string stack)
    {
        var graph = await Graph.OfAsync(stack, ("finalized", "true"));

        Assert.DoesNotContain(graph.All("SecretIamMember"), node => node.Text("secretId")!.StartsWith("factorydb"));
        Assert.Empty(graph.All("Job"));
        Assert.DoesNotContain(
            graph.All("Firewall"),
            node => node.Name.StartsWith("migrator", StringComparison.Ordinal)
        );
        Assert.DoesNotContain("10.10.0.3", Golden.Render(graph));
        Assert.Equal("", await OutputUtilities.GetValueAsync(graph.Outputs.MigrationJob));
    }

    [Theory, Stacks]
    public async Task A_secret_never_leaves_the_tenants_region(string stack) =>
        Assert.All(
            (await Graph.OfAsync(stack)).All("Secret"),
            node =>
                Assert.Equal(
                    ["europe-west3"],
                    node.List("replication.userManaged.replicas").Select(replica => replica.Text("location"))
                )
        );

    [Theory, Stacks]
    public async Task Passwords_and_keys_are_secret_on_the_way_in_and_in_the_state(string stack)
    {
        var graph = await Graph.OfAsync(stack);

        Assert.True(await IsSecretAsync(graph.One("User", "migrator"), "Password"));
        Assert.Contains("password", graph.One("User", "migrator").SecretOutputs);
        Assert.Equal(4, graph.All("SecretVersion").Count);
        foreach (var version in graph.All("SecretVersion"))
        {
            Assert.True(await IsSecretAsync(version, "SecretData"));
            Assert.Contains("secretData", version.SecretOutputs);
        }

        Assert.True(await Output.IsSecretAsync(graph.Outputs.SignInKey));
    }

    [Fact]
    public async Task Nothing_but_a_secret_output_shows_a_secret()
    {
        var graph = await Graph.OfAsync("globex-health");

        foreach (
            var property in typeof(TenantStack)
                .GetProperties()
                .Where(property =>
                    property.PropertyType == typeof(Output<string>) && property.Name != nameof(Stack.Urn)
                )
        )
        {
            var output = (Output<string>)property.GetValue(graph.Outputs)!;
            var value = await OutputUtilities.GetValueAsync(output);
            Assert.False(string.IsNullOrEmpty(value), property.Name);
            Assert.Equal(
                value.StartsWith("plain-text-of-", StringComparison.Ordinal),
                await Output.IsSecretAsync(output)
            );
        }
    }

    [Fact]
    public async Task The_PostgreSQL_provider_is_given_its_password_as_a_secret() =>
        Assert.True(await IsSecretAsync((await Graph.OfAsync("globex-health")).One("postgresql"), "Password"));

    static Task<bool> IsSecretAsync(Node node, string property)
    {
        var value = node
            .Args.GetType()
            .GetProperty(property, BindingFlags.Public | BindingFlags.Instance)!
            .GetValue(node.Args);
        return Output.IsSecretAsync(((Input<string>)value!).ToOutput());
    }
}
