using System.Collections.Immutable;
using Infra;
using Pulumi;

namespace Platforms;

/// <summary>The platform's settings, checked as a whole before anything is declared.</summary>
public sealed record PlatformConfig
{
    const string NameRule = "[a-z]([a-z0-9-]{0,61}[a-z0-9])?";

    /// <summary>Project id.</summary>
    public required string Project { get; init; }

    /// <summary>Number of the project.</summary>
    public required string ProjectNumber { get; init; }

    /// <summary>Region of everything regional.</summary>
    public required string Region { get; init; }

    /// <summary>Name of the network of all tenants.</summary>
    public required string NetworkName { get; init; }

    /// <summary>Name of the subnetwork of Cloud Run.</summary>
    public required string SubnetworkName { get; init; }

    /// <summary>Addresses of that subnetwork.</summary>
    public required string SubnetworkRange { get; init; }

    /// <summary>Name of the range of the private-services connection.</summary>
    public required string PrivateServicesRange { get; init; }

    /// <summary>Length of that range's prefix.</summary>
    public required int PrivateServicesPrefix { get; init; }

    /// <summary>Domain of the tenants' names, with its trailing dot.</summary>
    public required string DnsDomain { get; init; }

    /// <summary>Billing account of the tenants' budgets.</summary>
    public required string BillingAccount { get; init; }

    /// <summary>Address that alerts notify.</summary>
    public required string AlertEmail { get; init; }

    /// <summary>GitHub repository, owner/name.</summary>
    public required string Repository { get; init; }

    /// <summary>Number of that repository.</summary>
    public required string RepositoryId { get; init; }

    /// <summary>Image of the migrator, by digest; empty until there is one.</summary>
    public required string MigratorImage { get; init; }

    /// <summary>Public half of the key that signs images, as PEM; empty until the key exists.</summary>
    public required string ImagePublicKey { get; init; }

    /// <summary>Private address of the shared server.</summary>
    public required string SharedDatabaseHost { get; init; }

    /// <summary>Port of the shared server.</summary>
    public required int SharedDatabasePort { get; init; }

    /// <summary>Name of the shared database.</summary>
    public required string SharedDatabaseName { get; init; }

    /// <summary>The migrator's role on the shared server.</summary>
    public required string SharedDatabaseUser { get; init; }

    /// <summary>Password of the migrator's role on the shared server.</summary>
    public required Output<string> SharedDatabasePassword { get; init; }

    /// <summary>Certificate authority of the shared server.</summary>
    public required Output<string> SharedDatabaseCa { get; init; }

    /// <summary>Labels of everything that can carry them.</summary>
    public ImmutableDictionary<string, string> Labels { get; } =
        ImmutableDictionary.CreateRange(
            new Dictionary<string, string> { ["managed-by"] = "pulumi", ["tenant"] = "platform" }
        );

    /// <summary>Reads the settings of the running stack.</summary>
    /// <exception cref="ConfigFaultException">Something is missing or wrong; the message lists all of it.</exception>
    public static PlatformConfig Load()
    {
        var reader = new ConfigReader(Deployment.Instance.StackName, new Config(), _ => null);
        var settings = new PlatformConfig
        {
            Project = reader.Text("project", "[a-z][a-z0-9-]{4,28}[a-z0-9]", "a project id such as factory-prod"),
            ProjectNumber = reader.Text("projectNumber", "[0-9]{6,20}", "the project's number"),
            Region = reader.Text("region", "[a-z]+-[a-z]+[0-9]+", "a region such as europe-west3"),
            NetworkName = reader.Text("networkName", NameRule, "the name of a network", fallback: "tenants"),
            SubnetworkName = reader.Text("subnetworkName", NameRule, "the name of a subnetwork", fallback: "run"),
            // Direct VPC egress takes addresses by the hundred: four for each instance, for twenty minutes after it.
            SubnetworkRange = reader.Text(
                "subnetworkRange",
                @"(10|100|172|192)(\.[0-9]{1,3}){3}/([89]|1[0-9]|2[0-6])",
                "a private range such as 10.128.0.0/20",
                fallback: "10.128.0.0/20"
            ),
            PrivateServicesRange = reader.Text(
                "privateServicesRange",
                NameRule,
                "the name of an allocated range",
                fallback: "google-managed-services"
            ),
            PrivateServicesPrefix = reader.Integer("privateServicesPrefix", 16, 8, 24),
            DnsDomain = reader.Text("dnsDomain", @"([a-z0-9-]+\.)+", "a domain with its trailing dot"),
            BillingAccount = reader.Text("billingAccount", "[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}", "a billing account"),
            AlertEmail = reader.Text("alertEmail", "[^@ ]+@[^@ ]+", "an e-mail address"),
            Repository = reader.Text("repository", "[A-Za-z0-9-]+/[A-Za-z0-9._-]+", "owner/name"),
            RepositoryId = reader.Text("repositoryId", "[0-9]+", "the repository's number"),
            MigratorImage = reader.Text(
                "migratorImage",
                "[^@]+@sha256:[0-9a-f]{64}",
                "an image by digest",
                fallback: ""
            ),
            ImagePublicKey = reader.Text(
                "imagePublicKey",
                @"-----BEGIN PUBLIC KEY-----\s[A-Za-z0-9+/=\s]+-----END PUBLIC KEY-----\s*",
                "a public key as PEM",
                fallback: ""
            ),
            SharedDatabaseHost = reader.Text(
                "sharedDatabaseHost",
                @"(10|100|172|192)(\.[0-9]{1,3}){3}",
                "a private address"
            ),
            SharedDatabasePort = reader.Integer("sharedDatabasePort", 5432, 1, 65535),
            SharedDatabaseName = reader.Text(
                "sharedDatabaseName",
                "[a-z_][a-z0-9_]{0,62}",
                "a database name",
                fallback: "factorydb"
            ),
            SharedDatabaseUser = reader.Text(
                "sharedDatabaseUser",
                "[a-z_][a-z0-9_]{0,62}",
                "a role name",
                fallback: "factoryadmin"
            ),
            SharedDatabasePassword = reader.Secret("sharedDatabasePassword", 16),
            SharedDatabaseCa = reader.Secret("sharedDatabaseCa", 1),
        };
        reader.ThrowIfFaulty();
        return settings;
    }
}
