namespace Infra;

/// <summary>
/// What the tenant's stack shares with others and does not own: it comes from the platform stack's outputs of the same
/// names, or from the stack's own file. The platform also owns what exists once a project: enabled APIs, the
/// private-services connection, the Identity Platform configuration, the audit configuration and IAM policies.
/// </summary>
public sealed record Platform
{
    /// <summary>Project id that holds the tenant.</summary>
    public required string Project { get; init; }

    /// <summary>Region of everything regional.</summary>
    public required string Region { get; init; }

    /// <summary>VPC network, as <c>projects/P/global/networks/N</c>.</summary>
    public required string Network { get; init; }

    /// <summary>Subnetwork through which Cloud Run reaches private addresses.</summary>
    public required string Subnetwork { get; init; }

    /// <summary>
    /// Allocated range of the network's
    /// <see href="https://cloud.google.com/sql/docs/postgres/configure-private-services-access">private-services
    /// connection</see>.
    /// </summary>
    public required string PrivateServicesRange { get; init; }

    /// <summary>Cloud DNS managed zone.</summary>
    public required string DnsZone { get; init; }

    /// <summary>The zone's domain, with the trailing dot.</summary>
    public required string DnsDomain { get; init; }

    /// <summary>Monitoring channels that every alert and the budget notify.</summary>
    public required IReadOnlyList<string> NotificationChannels { get; init; }

    /// <summary>Artifact Registry repository that all images come from.</summary>
    public required string ArtifactRegistry { get; init; }

    /// <summary>Billing account of the budget.</summary>
    public required string BillingAccount { get; init; }

    /// <summary>Project of the audit log bucket; the tenant's own project unless set.</summary>
    public required string AuditProject { get; init; }

    /// <summary>Private address of the shared PostgreSQL server.</summary>
    public required string SharedDatabaseHost { get; init; }

    /// <summary>Port of the shared PostgreSQL server.</summary>
    public required string SharedDatabasePort { get; init; }

    /// <summary>Name of the shared database.</summary>
    public required string SharedDatabaseName { get; init; }

    /// <summary>Role with which the migrator reads the shared database.</summary>
    public required string SharedDatabaseUser { get; init; }

    /// <summary>Id of the platform's secret that holds that role's password.</summary>
    public required string SharedDatabaseSecret { get; init; }

    /// <summary>Id of the platform's secret that holds the certificate of that server's authority, as PEM.</summary>
    public required string SharedDatabaseCaSecret { get; init; }

    /// <summary>Number of the project, by which Google's own accounts in it are named.</summary>
    public required string ProjectNumber { get; init; }

    /// <summary>Key ring of the region that holds the keys of tenants whose plan has one.</summary>
    public required string DataKeyRing { get; init; }

    internal static Platform Read(ConfigReader reader)
    {
        var project = reader.Platform("project", "[a-z][a-z0-9-]{4,28}[a-z0-9]", "a project id such as factory-prod");
        var region = reader.Platform("region", "[a-z]+-[a-z]+[0-9]+", "a region such as europe-west3");
        var subnetwork = reader.Platform(
            "subnetwork",
            "projects/[a-z0-9-]+/regions/[a-z0-9-]+/subnetworks/[a-z0-9-]+",
            "projects/P/regions/R/subnetworks/S"
        );
        if (region != "" && subnetwork.Split('/') is [_, _, _, var subnetworkRegion, ..] && subnetworkRegion != region)
            reader.Fault(
                "region",
                $"is '{region}', but the subnetwork '{subnetwork}' lies in '{subnetworkRegion}'",
                "Give both the same region: Cloud Run reaches the database through a subnetwork of its own region"
            );

        return new Platform
        {
            Project = project,
            Region = region,
            Network = reader.Platform(
                "network",
                "projects/[a-z0-9-]+/global/networks/[a-z0-9-]+",
                "projects/P/global/networks/N"
            ),
            Subnetwork = subnetwork,
            PrivateServicesRange = reader.Platform(
                "privateServicesRange",
                "[a-z]([a-z0-9-]{0,61}[a-z0-9])?",
                "the name of the allocated range of the private-services connection"
            ),
            DnsZone = reader.Platform(
                "dnsZone",
                "[a-z]([a-z0-9-]{0,61}[a-z0-9])?",
                "the name of a Cloud DNS managed zone"
            ),
            DnsDomain = reader.Platform(
                "dnsDomain",
                @"(?=.{1,190}\z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+",
                "a domain with its trailing dot, such as 'factory.example.com.'"
            ),
            NotificationChannels = reader.PlatformList(
                "notificationChannels",
                "projects/[a-z0-9-]+/notificationChannels/[0-9]+",
                "at least one projects/P/notificationChannels/ID"
            ),
            ArtifactRegistry = reader.Platform(
                "artifactRegistry",
                @"[a-z0-9-]+-docker\.pkg\.dev/[a-z0-9-]+/[a-z0-9-]+",
                "a repository such as europe-west3-docker.pkg.dev/factory-prod/images"
            ),
            BillingAccount = reader.Platform(
                "billingAccount",
                "[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}",
                "a billing account such as 01AB23-45CD67-89EF01"
            ),
            AuditProject = reader.Platform(
                "auditProject",
                "[a-z][a-z0-9-]{4,28}[a-z0-9]",
                "a project id",
                fallback: project
            ),
            SharedDatabaseHost = reader.Platform(
                "sharedDatabaseHost",
                @"(10|100|172|192)(\.[0-9]{1,3}){3}",
                "the private address of the shared server, such as 10.10.0.3"
            ),
            SharedDatabasePort = reader.Platform("sharedDatabasePort", "[1-9][0-9]{0,4}", "a port", fallback: "5432"),
            SharedDatabaseName = reader.Platform(
                "sharedDatabaseName",
                "[a-z_][a-z0-9_]{0,62}",
                "a database name",
                fallback: "factorydb"
            ),
            SharedDatabaseUser = reader.Platform(
                "sharedDatabaseUser",
                "[a-z_][a-z0-9_]{0,62}",
                "a role name",
                fallback: "factoryadmin"
            ),
            SharedDatabaseSecret = reader.Platform(
                "sharedDatabaseSecret",
                "[A-Za-z0-9_-]{1,255}",
                "the id of the Secret Manager secret that holds the password of sharedDatabaseUser"
            ),
            SharedDatabaseCaSecret = reader.Platform(
                "sharedDatabaseCaSecret",
                "[A-Za-z0-9_-]{1,255}",
                "the id of the Secret Manager secret that holds the shared server's certificate authority as PEM"
            ),
            ProjectNumber = reader.Platform("projectNumber", "[0-9]{6,20}", "the project's number", fallback: ""),
            DataKeyRing = reader.Platform(
                "dataKeyRing",
                "projects/[a-z0-9-]+/locations/[a-z0-9-]+/keyRings/[A-Za-z0-9_-]+",
                "projects/P/locations/REGION/keyRings/R",
                fallback: ""
            ),
        };
    }
}
