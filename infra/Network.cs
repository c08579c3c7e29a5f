using Pulumi;
using Pulumi.Gcp.Compute;
using Pulumi.Gcp.Compute.Inputs;

namespace Infra;

/// <summary>
/// Where the tenant's programs may connect to in the network that all tenants share: to their own servers and to nothing
/// else. Connections of <see href="https://cloud.google.com/run/docs/configuring/vpc-direct-vpc">Direct VPC egress</see>
/// carry the program's network tag.
/// </summary>
public sealed class Network : ComponentResource
{
    // What takes the network with egress to private ranges.
    // https://cloud.google.com/run/docs/configuring/private-ip-egress
    static readonly string[] PrivateRanges = ["10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16"];

    /// <summary>Declares the rules.</summary>
    /// <param name="name">The part's name in the stack.</param>
    /// <param name="args">What it is made of.</param>
    /// <param name="options">The part's options.</param>
    public Network(string name, NetworkArgs args, ComponentResourceOptions? options = null)
        : base("tenant:infra:Network", name, options)
    {
        ArgumentNullException.ThrowIfNull(args);
        var (tenant, database) = (args.Tenant, args.Database);
        var dedicated = database.Instance.PrivateIpAddress.Apply(address => $"{address}/32");
        Api = Only(tenant, "api", ("database", dedicated, database.ApiPort));
        if (!args.Finalized)
        {
            var shared = Output.Create($"{tenant.Platform.SharedDatabaseHost}/32");
            Migrator = Only(
                tenant,
                "migrator",
                ("database", dedicated, "5432"),
                ("shared", shared, tenant.Platform.SharedDatabasePort)
            );
        }

        RegisterOutputs(new Dictionary<string, object?> { ["api"] = tenant.Names.Label("api") });
    }

    /// <summary>What must exist before the API starts.</summary>
    public IReadOnlyList<Resource> Api { get; }

    /// <summary>What must exist before the migration job runs.</summary>
    public IReadOnlyList<Resource> Migrator { get; } = [];

    // Lower numbers win: what is allowed comes before what is denied.
    IReadOnlyList<Resource> Only(
        Tenant tenant,
        string workload,
        params (string Name, Output<string> Range, string Port)[] destinations
    )
    {
        return
        [
            .. destinations.Select(destination =>
            {
                var rule = Rule(destination.Name, 900);
                rule.Allows = new[]
                {
                    new FirewallAllowArgs { Protocol = "tcp", Ports = { destination.Port } },
                };
                rule.DestinationRanges = new[] { destination.Range };
                return Declare(destination.Name, rule);
            }),
            Denied(),
        ];

        Firewall Denied()
        {
            var rule = Rule("deny", 1000);
            rule.Denies = new[] { new FirewallDenyArgs { Protocol = "all" } };
            rule.DestinationRanges = PrivateRanges;
            return Declare("deny", rule);
        }

        FirewallArgs Rule(string kind, int priority) =>
            new()
            {
                Name = tenant.Names.Label($"{workload}{kind}"),
                // A shared network's rules belong to its own project.
                Project = tenant.Platform.Network.Split('/')[1],
                Network = tenant.Platform.Network,
                Direction = "EGRESS",
                Priority = priority,
                TargetTags = { tenant.Names.Label(workload) },
            };

        Firewall Declare(string kind, FirewallArgs rule) =>
            new($"{workload}-{kind}", rule, new CustomResourceOptions { Parent = this });
    }
}

/// <summary>What <see cref="Network"/> is made of.</summary>
/// <param name="Tenant">The tenant.</param>
/// <param name="Database">The dedicated server.</param>
/// <param name="Finalized">Whether the migrator has nothing left to do.</param>
public sealed record NetworkArgs(Tenant Tenant, Database Database, bool Finalized);
