using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Pulumi;

namespace Platforms;

/// <summary>What all tenants share: <c>pulumi up --stack prod --cwd platform</c>, once a Google project.</summary>
[SuppressMessage("Naming", "CA1711", Justification = "A stack in Pulumi's sense.")]
public class PlatformStack : Stack
{
    /// <summary>Declares the platform.</summary>
    public PlatformStack()
        : this(null) { }

    /// <summary>Declares the platform under the given options.</summary>
    protected PlatformStack(StackOptions? stackOptions)
        : base(stackOptions)
    {
        var config = PlatformConfig.Load();
        var google = new Pulumi.Gcp.Provider(
            "gcp",
            new Pulumi.Gcp.ProviderArgs
            {
                Project = config.Project,
                Region = config.Region,
                UserProjectOverride = true,
                BillingProject = config.Project,
            }
        );
        var options = new ComponentResourceOptions { Providers = { google } };
        var foundation = new Foundation("foundation", new(config), options);
        var vault = new Vault("vault", new(config, foundation), options);
        var automation = new Automation("automation", new(config, foundation, vault), options);
        var images = new Images("images", new(config, foundation, automation), options);

        Project = Output.Create(config.Project);
        ProjectNumber = Output.Create(config.ProjectNumber);
        Region = Output.Create(config.Region);
        Network = foundation.Network.Name.Apply(name => $"projects/{config.Project}/global/networks/{name}");
        Subnetwork = foundation.Subnetwork.Name.Apply(name =>
            $"projects/{config.Project}/regions/{config.Region}/subnetworks/{name}"
        );
        PrivateServicesRange = foundation.Range.Name;
        DnsZone = foundation.Zone.Name;
        DnsDomain = Output.Create(config.DnsDomain);
        NotificationChannels = foundation.Channel.Name.Apply(name => ImmutableArray.Create(name));
        ArtifactRegistry = foundation.Registry.RepositoryId.Apply(id =>
            $"{config.Region}-docker.pkg.dev/{config.Project}/{id}"
        );
        BillingAccount = Output.Create(config.BillingAccount);
        SharedDatabaseHost = Output.Create(config.SharedDatabaseHost);
        SharedDatabasePort = Output.Create($"{config.SharedDatabasePort}");
        SharedDatabaseName = Output.Create(config.SharedDatabaseName);
        SharedDatabaseUser = Output.Create(config.SharedDatabaseUser);
        SharedDatabaseSecret = vault.SharedPassword.SecretId;
        SharedDatabaseCaSecret = vault.SharedCa.SecretId;
        DataKeyRing = vault.DataKeyRing.Name.Apply(name =>
            $"projects/{config.Project}/locations/{config.Region}/keyRings/{name}"
        );
        WorkloadIdentityProvider = automation.Provider.Name;
        ImageKey = Output.Create(images.KeyVersion);
        DryRunJob = automation.DryRun?.Name ?? Output.Create("");
    }

    /// <summary>Project id.</summary>
    [Output("project")]
    public Output<string> Project { get; private set; }

    /// <summary>Number of the project.</summary>
    [Output("projectNumber")]
    public Output<string> ProjectNumber { get; private set; }

    /// <summary>Region of everything regional.</summary>
    [Output("region")]
    public Output<string> Region { get; private set; }

    /// <summary>The network.</summary>
    [Output("network")]
    public Output<string> Network { get; private set; }

    /// <summary>The subnetwork of Cloud Run.</summary>
    [Output("subnetwork")]
    public Output<string> Subnetwork { get; private set; }

    /// <summary>Range of the private-services connection.</summary>
    [Output("privateServicesRange")]
    public Output<string> PrivateServicesRange { get; private set; }

    /// <summary>The zone.</summary>
    [Output("dnsZone")]
    public Output<string> DnsZone { get; private set; }

    /// <summary>The zone's domain.</summary>
    [Output("dnsDomain")]
    public Output<string> DnsDomain { get; private set; }

    /// <summary>Whom alerts notify.</summary>
    [Output("notificationChannels")]
    public Output<ImmutableArray<string>> NotificationChannels { get; private set; }

    /// <summary>Registry of all images.</summary>
    [Output("artifactRegistry")]
    public Output<string> ArtifactRegistry { get; private set; }

    /// <summary>Billing account.</summary>
    [Output("billingAccount")]
    public Output<string> BillingAccount { get; private set; }

    /// <summary>Address of the shared server.</summary>
    [Output("sharedDatabaseHost")]
    public Output<string> SharedDatabaseHost { get; private set; }

    /// <summary>Port of the shared server.</summary>
    [Output("sharedDatabasePort")]
    public Output<string> SharedDatabasePort { get; private set; }

    /// <summary>Name of the shared database.</summary>
    [Output("sharedDatabaseName")]
    public Output<string> SharedDatabaseName { get; private set; }

    /// <summary>The migrator's role on the shared server.</summary>
    [Output("sharedDatabaseUser")]
    public Output<string> SharedDatabaseUser { get; private set; }

    /// <summary>Id of the secret with that role's password.</summary>
    [Output("sharedDatabaseSecret")]
    public Output<string> SharedDatabaseSecret { get; private set; }

    /// <summary>Id of the secret with its certificate authority.</summary>
    [Output("sharedDatabaseCaSecret")]
    public Output<string> SharedDatabaseCaSecret { get; private set; }

    /// <summary>Ring of the tenants' own keys.</summary>
    [Output("dataKeyRing")]
    public Output<string> DataKeyRing { get; private set; }

    /// <summary>For GCP_WORKLOAD_IDENTITY_PROVIDER.</summary>
    [Output("workloadIdentityProvider")]
    public Output<string> WorkloadIdentityProvider { get; private set; }

    /// <summary>For IMAGE_KEY: what signs images.</summary>
    [Output("imageKey")]
    public Output<string> ImageKey { get; private set; }

    /// <summary>For PLATFORM_DRY_RUN_JOB; empty until there is an image.</summary>
    [Output("dryRunJob")]
    public Output<string> DryRunJob { get; private set; }
}
