using Infra.Tests.Support;

namespace Infra.Tests;

public class WorkloadTests
{
    [Theory, Stacks]
    public async Task Services_are_reached_through_the_load_balancer_only(string stack)
    {
        var graph = await Graph.OfAsync(stack);

        Assert.Equal(["api", "ui"], graph.All("Service").Select(node => node.Name));
        Assert.All(
            graph.All("Service"),
            node =>
            {
                Assert.Equal("INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER", node.Text("ingress"));
                Assert.Equal(true, node["defaultUriDisabled"]);
            }
        );
    }

    [Theory]
    [InlineData("dev", 0, 2)]
    [InlineData("acme-corp", 1, 10)]
    [InlineData("globex-health", 2, 10)]
    public async Task Containers_are_probed_when_they_start_and_while_they_run_and_their_number_is_bounded(
        string stack,
        int min,
        int max
    )
    {
        var graph = await Graph.OfAsync(stack);

        Assert.All(
            graph.All("Service"),
            node =>
            {
                // Not /health: before the promotion there are neither tables nor rights, and a program may say so there.
                Assert.Equal("/live", node.Text("template.containers.0.startupProbe.httpGet.path"));
                Assert.Equal("/live", node.Text("template.containers.0.livenessProbe.httpGet.path"));
                Assert.Equal((double)min, node["template.scaling.minInstanceCount"]);
                Assert.Equal((double)max, node["template.scaling.maxInstanceCount"]);
                Assert.NotNull(node["template.containers.0.resources.limits.cpu"]);
                Assert.NotNull(node["template.containers.0.resources.limits.memory"]);
            }
        );
    }

    [Theory, Stacks]
    public async Task Every_image_is_pinned_by_its_digest(string stack)
    {
        var graph = await Graph.OfAsync(stack);
        Node[] containers =
        [
            .. graph.All("Service").SelectMany(node => node.List("template.containers")),
            .. graph.One("Job").List("template.template.containers"),
        ];

        Assert.Equal(3, containers.Length);
        Assert.All(
            containers,
            node => Assert.Matches("^europe-west3-docker.pkg.dev/.+@sha256:[0-9a-f]{64}$", node.Text("image"))
        );
    }

    [Theory, Stacks]
    public async Task All_requests_go_to_the_latest_revision_whose_name_is_left_to_Cloud_Run(string stack) =>
        Assert.All(
            (await Graph.OfAsync(stack)).All("Service"),
            node =>
            {
                var traffic = Assert.Single(node.List("traffics"));
                Assert.Equal("TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", traffic.Text("type"));
                Assert.Equal(100.0, traffic["percent"]);
                Assert.Null(node["template.revision"]);
            }
        );

    [Theory, Stacks]
    public async Task The_job_promotes_this_tenant_and_says_how_often_and_how_long_it_tries(string stack)
    {
        var job = (await Graph.OfAsync(stack)).One("Job");

        Assert.Equal(
            ["promote", $"--tenant-slug={stack}", "--confirm", "--log-format", "json"],
            job.Texts("template.template.containers.0.args")
        );
        // Cloud Run would repeat a refusal; run-migrator.sh does not.
        Assert.Equal(0.0, job["template.template.maxRetries"]);
        Assert.Equal("86400s", job["template.template.timeout"]);
        Assert.Equal((1.0, 1.0), (job["template.taskCount"], job["template.parallelism"]));
    }

    [Theory, Stacks]
    public async Task The_job_is_given_both_servers_in_the_variables_that_the_migrator_reads(string stack)
    {
        var environment = (await Graph.OfAsync(stack))
            .One("Job")
            .List("template.template.containers.0.envs")
            .ToDictionary(
                env => env.Text("name")!,
                env => env.Text("value") ?? $"secret {env.Text("valueSource.secretKeyRef.secret")}"
            );

        Assert.Equal(
            new Dictionary<string, string>
            {
                ["DB_HOST"] = "10.10.0.3",
                ["DB_PORT"] = stack == "dev" ? "5432" : "5433",
                ["DB_NAME"] = "factorydb",
                ["DB_USER"] = "factoryadmin",
                ["DB_PASSWORD"] = "secret factorydb-password",
                ["DB_SSLMODE"] = "verify-ca",
                ["DB_SSLROOTCERT"] = "/certificates/sharedca/ca.pem",
                ["TARGET_DB_HOST"] = "10.20.0.5",
                ["TARGET_DB_PORT"] = "5432",
                ["TARGET_DB_USER"] = "migrator",
                ["TARGET_DB_SSLMODE"] = "verify-ca",
                ["TARGET_DB_SSLROOTCERT"] = "/certificates/serverca/ca.pem",
                ["MIGRATOR_APPLICATION_LOGIN"] = $"api-{stack}@factory.iam",
                ["TARGET_DB_PASSWORD"] = $"secret dbpassword-{stack}",
                ["MIGRATOR_DOMAIN"] = stack == "dev" ? "dev.factory.example.com" : "factory.example.com",
            },
            environment
        );
    }

    [Theory, Stacks]
    public async Task Services_come_after_the_jobs_prerequisites_and_the_job_after_its_secrets_grants_and_database(
        string stack
    )
    {
        var graph = await Graph.OfAsync(stack);
        var job = graph.One("Job").DependsOn;

        Assert.Equal(
            [
                "gcp:compute/firewall:Firewall migrator-database",
                "gcp:compute/firewall:Firewall migrator-deny",
                "gcp:compute/firewall:Firewall migrator-shared",
                "gcp:secretmanager/secretIamMember:SecretIamMember dbpassword-reader",
                "gcp:secretmanager/secretIamMember:SecretIamMember serverca-api",
                "gcp:secretmanager/secretIamMember:SecretIamMember serverca-migrator",
                "gcp:secretmanager/secretIamMember:SecretIamMember shared-dbpassword-reader",
                "gcp:secretmanager/secretIamMember:SecretIamMember shared-serverca-reader",
                "gcp:secretmanager/secretVersion:SecretVersion dbpassword",
                "gcp:secretmanager/secretVersion:SecretVersion serverca",
                "gcp:sql/database:Database tenant",
                "gcp:sql/user:User migrator",
                // Default privileges reach only what is created after them.
                .. graph
                    .All("DefaultPrivileges")
                    .Concat(graph.All("Grant"))
                    .Concat(graph.All("GrantRole"))
                    .Select(node => node.Label),
            ],
            job
        );
        Assert.All(graph.All("Service"), service => Assert.Subset(service.DependsOn.ToHashSet(), job.ToHashSet()));
        Assert.Subset(
            graph.One("Service", "api").DependsOn.ToHashSet(),
            new HashSet<string>
            {
                "gcp:secretmanager/secretIamMember:SecretIamMember signingkey-reader",
                "gcp:secretmanager/secretVersion:SecretVersion signingkey",
                "gcp:sql/user:User api",
                "gcp:projects/iAMMember:IAMMember api-signs-in",
            }
        );
        Assert.Subset(
            graph.One("Service", "ui").DependsOn.ToHashSet(),
            new HashSet<string>
            {
                "gcp:secretmanager/secretIamMember:SecretIamMember signinkey-reader",
                "gcp:secretmanager/secretVersion:SecretVersion signinkey",
            }
        );
        Assert.Subset(
            graph.One("Service", "api").DependsOn.ToHashSet(),
            graph
                .All("GrantRole")
                .Concat(graph.All("Grant"))
                .Concat(graph.All("DefaultPrivileges"))
                .Select(node => node.Label)
                .ToHashSet()
        );
    }
}
