using Pulumi;
using Pulumi.Gcp.ArtifactRegistry;
using Pulumi.Gcp.Compute;
using Pulumi.Gcp.Dns;
using Pulumi.Gcp.Dns.Inputs;
using Pulumi.Gcp.Logging;
using Pulumi.Gcp.Monitoring;
using Pulumi.Gcp.ServiceNetworking;

namespace Platforms;

/// <summary>
/// What exists once a project: its APIs, the network with its private-services connection, zone, registry, the pool of
/// pools for the tenants' users, and whom alerts notify.
/// </summary>
public sealed class Foundation : ComponentResource
{
    // Everything that either program, the workflows or the provider itself calls.
    static readonly string[] Apis =
    [
        "apikeys",
        "artifactregistry",
        "billingbudgets",
        "binaryauthorization",
        "certificatemanager",
        "cloudbilling",
        "cloudkms",
        "cloudresourcemanager",
        "compute",
        "containeranalysis",
        "dns",
        "iam",
        "iamcredentials",
        "identitytoolkit",
        "logging",
        "monitoring",
        "ondemandscanning",
        "run",
        "secretmanager",
        "servicenetworking",
        "serviceusage",
        "sqladmin",
        "storage",
        "sts",
    ];

    /// <summary>Declares them.</summary>
    /// <param name="name">The part's name in the stack.</param>
    /// <param name="args">What it is made of.</param>
    /// <param name="options">The part's options.</param>
    public Foundation(string name, FoundationArgs args, ComponentResourceOptions? options = null)
        : base("platform:shared:Foundation", name, options)
    {
        ArgumentNullException.ThrowIfNull(args);
        var config = args.Config;
        Enabled = [.. Apis.Select(Enable)];
        var child = new CustomResourceOptions { Parent = this, DependsOn = Enabled.ToArray() };
        var kept = CustomResourceOptions.Merge(child, new CustomResourceOptions { Protect = true });

        Network = new Network(
            "network",
            new NetworkArgs { Name = config.NetworkName, AutoCreateSubnetworks = false },
            child
        );
        Subnetwork = OfCloudRun(config, child);
        Range = OfServices(config, child);
        Connect(child);
        Zone = Names(config, kept);
        Registry = Images(config, child);
        Users(kept);
        Channel = Mail(config, child);
        ExcludeTenants(child);
        RegisterOutputs(new Dictionary<string, object?> { ["network"] = Network.Id, ["zone"] = Zone.Name });
    }

    /// <summary>The APIs.</summary>
    public IReadOnlyList<Resource> Enabled { get; }

    /// <summary>The network of all tenants.</summary>
    public Network Network { get; }

    /// <summary>Through which Cloud Run reaches private addresses.</summary>
    public Subnetwork Subnetwork { get; }

    /// <summary>Range of the private-services connection.</summary>
    public GlobalAddress Range { get; }

    /// <summary>Zone of the tenants' names.</summary>
    public ManagedZone Zone { get; }

    /// <summary>Registry of all images.</summary>
    public Repository Registry { get; }

    /// <summary>Whom alerts notify.</summary>
    public NotificationChannel Channel { get; }

    Pulumi.Gcp.Projects.Service Enable(string api) =>
        new(
            api,
            // Whoever destroys the stack does not take the APIs away from others.
            new Pulumi.Gcp.Projects.ServiceArgs { ServiceName = $"{api}.googleapis.com", DisableOnDestroy = false },
            new CustomResourceOptions { Parent = this }
        );

    Subnetwork OfCloudRun(PlatformConfig config, CustomResourceOptions child) =>
        new(
            "run",
            new SubnetworkArgs
            {
                Name = config.SubnetworkName,
                Network = Network.Id,
                Region = config.Region,
                IpCidrRange = config.SubnetworkRange,
                PrivateIpGoogleAccess = true,
            },
            child
        );

    GlobalAddress OfServices(PlatformConfig config, CustomResourceOptions child) =>
        new(
            "services",
            new GlobalAddressArgs
            {
                Name = config.PrivateServicesRange,
                AddressType = "INTERNAL",
                Purpose = "VPC_PEERING",
                PrefixLength = config.PrivateServicesPrefix,
                Network = Network.Id,
                Labels = config.Labels,
            },
            child
        );

    void Connect(CustomResourceOptions child) =>
        _ = new Connection(
            "services",
            new ConnectionArgs
            {
                Network = Network.Id,
                Service = "servicenetworking.googleapis.com",
                ReservedPeeringRanges = { Range.Name },
            },
            child
        );

    static ManagedZone Names(PlatformConfig config, CustomResourceOptions kept) =>
        new(
            "zone",
            new ManagedZoneArgs
            {
                Name = "tenants",
                Description = "Names of the promoted tenants",
                DnsName = config.DnsDomain,
                DnssecConfig = new ManagedZoneDnssecConfigArgs { State = "on" },
                Labels = config.Labels,
            },
            kept
        );

    static Repository Images(PlatformConfig config, CustomResourceOptions child) =>
        new(
            "images",
            new RepositoryArgs
            {
                RepositoryId = "images",
                Location = config.Region,
                Format = "DOCKER",
                Labels = config.Labels,
            },
            child
        );

    static void Users(CustomResourceOptions kept) =>
        _ = new Pulumi.Gcp.IdentityPlatform.Config(
            "users",
            new Pulumi.Gcp.IdentityPlatform.ConfigArgs
            {
                MultiTenant = new Pulumi.Gcp.IdentityPlatform.Inputs.ConfigMultiTenantArgs { AllowTenants = true },
            },
            kept
        );

    static NotificationChannel Mail(PlatformConfig config, CustomResourceOptions child) =>
        new(
            "mail",
            new NotificationChannelArgs
            {
                DisplayName = "Platform",
                Type = "email",
                Labels = { ["email_address"] = config.AlertEmail },
                UserLabels = config.Labels,
            },
            child
        );

    // Each tenant's log goes to a bucket of its own; here it would be read by whoever may see the project, and paid twice.
    static void ExcludeTenants(CustomResourceOptions child) =>
        _ = new ProjectExclusion(
            "tenants",
            new ProjectExclusionArgs
            {
                Name = "tenants",
                Description = "What tenants' programs, databases and load balancers log: each has a bucket of its own",
                Filter = """
                resource.labels.service_name=~"^(api|ui)-"
                OR resource.labels.job_name=~"^migrator-"
                OR resource.labels.database_id=~":db-"
                OR resource.labels.url_map_name=~"^(edge|redirect)-"
                """,
            },
            child
        );
}

/// <summary>What <see cref="Foundation"/> is made of.</summary>
/// <param name="Config">The platform's settings.</param>
public sealed record FoundationArgs(PlatformConfig Config);
