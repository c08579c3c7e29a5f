using Infra.Tests.Support;

namespace Infra.Tests;

public class IdentityTests
{
    [Theory, Stacks]
    public async Task Each_workload_runs_as_an_account_of_its_own(string stack)
    {
        var graph = await Graph.OfAsync(stack);

        var accounts = graph
            .All("Account")
            .ToDictionary(node => node.Name, node => $"{node.Text("accountId")}@factory.iam.gserviceaccount.com");
        Assert.Equal(3, accounts.Values.Distinct().Count());
        Assert.All(accounts.Keys, name => Assert.InRange(graph.One("Account", name).Text("accountId")!.Length, 6, 30));
        Assert.Equal(accounts["api"], graph.One("Service", "api").Text("template.serviceAccount"));
        Assert.Equal(accounts["ui"], graph.One("Service", "ui").Text("template.serviceAccount"));
        Assert.Equal(accounts["migrator"], graph.One("Job").Text("template.template.serviceAccount"));
    }

    [Theory, Stacks]
    public async Task No_account_is_owner_or_reads_all_secrets_and_every_project_role_is_narrowed_to_one_resource(
        string stack
    )
    {
        var graph = await Graph.OfAsync(stack);
        var project = stack == "dev" ? "factory-dev" : "factory-prod";

        Assert.NotEmpty(graph.All("IAMMember"));
        Assert.All(
            graph.All("IAMMember"),
            node =>
            {
                Assert.Contains(
                    node.Text("role"),
                    (string[])["roles/cloudsql.instanceUser", "roles/logging.bucketWriter"]
                );
                Assert.NotNull(node["condition.expression"]);
            }
        );
        Assert.Equal(
            $"resource.name == 'projects/{project}/instances/db-{stack}{Cloud.NameSuffix}' "
                + "&& resource.service == 'sqladmin.googleapis.com'",
            graph.One("IAMMember", "api-signs-in").Text("condition.expression")
        );
    }

    [Theory, Stacks]
    public async Task Access_is_only_ever_added_never_set_as_a_whole(string stack)
    {
        var access = (await Graph.OfAsync(stack))
            .Nodes.Where(node => node.Type.Contains("iam", StringComparison.OrdinalIgnoreCase))
            .ToList();

        Assert.NotEmpty(access);
        Assert.All(access, node => Assert.EndsWith("Member", node.Type, StringComparison.OrdinalIgnoreCase));
    }

    [Theory, Stacks]
    public async Task Nobody_but_the_platform_may_call_a_service_or_job_by_IAM(string stack)
    {
        var graph = await Graph.OfAsync(stack);

        Assert.DoesNotContain(
            graph.Nodes,
            node => node.Inputs.GetValueOrDefault("member") is "allUsers" or "allAuthenticatedUsers"
        );
        Assert.All(graph.All("Service"), node => Assert.Equal(true, node["invokerIamDisabled"]));
    }

    [Theory, Stacks]
    public async Task The_browsers_key_signs_in_from_the_tenants_own_pages_only(string stack)
    {
        var key = (await Graph.OfAsync(stack)).One("ApiKey");
        var host = stack == "dev" ? "app-dev.dev.factory.example.com" : $"app-{stack}.factory.example.com";

        Assert.Equal(
            ["identitytoolkit.googleapis.com", "securetoken.googleapis.com"],
            key.List("restrictions.apiTargets").Select(target => target.Text("service"))
        );
        Assert.Equal([$"https://{host}/*"], key.Texts("restrictions.browserKeyRestrictions.allowedReferrers"));
    }

    [Theory, Stacks]
    public async Task The_tenants_users_are_a_pool_of_their_own_that_nobody_signs_up_into(string stack)
    {
        var graph = await Graph.OfAsync(stack);

        var users = graph.One("Tenant");
        Assert.True(users.Protect);
        Assert.Equal(true, users["client.permissions.disabledUserSignup"]);
        Assert.All(
            graph.All("Service"),
            service =>
                Assert.Contains(
                    service.List("template.containers.0.envs"),
                    env => env.Text("name") == "IDENTITY_TENANT" && env.Text("value") == $"users{Cloud.NameSuffix}"
                )
        );
    }
}
