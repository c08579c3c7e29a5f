using Pulumi;
using Pulumi.Gcp.CloudRunV2;
using Pulumi.Gcp.CloudRunV2.Inputs;

namespace Infra;

/// <summary>
/// The tenant's API and user interface as <see href="https://cloud.google.com/run/docs">Cloud Run</see> services,
/// reachable through the load balancer only.
/// </summary>
public sealed class Services : ComponentResource
{
    /// <summary>
    /// Path that answers 200 when the program can serve; probes and uptime checks ask it. Not <c>/healthz</c>, which
    /// <see href="https://cloud.google.com/run/docs/known-issues">Google's front end answers itself</see>.
    /// </summary>
    public const string HealthPath = "/health";

    const int Port = 8080;

    /// <summary>Declares both services.</summary>
    public Services(
        TenantConfig config,
        Identity identity,
        Database database,
        Secrets secrets,
        Migration migration,
        ComponentResourceOptions options
    )
        : base("tenant:infra:Services", "services", options)
    {
        Api = Service(
            config,
            "api",
            config.ApiImage,
            identity.Api.Email,
            [
                Text("DB_HOST", database.Instance.PrivateIpAddress),
                Text("DB_PORT", "5432"),
                Text("DB_NAME", database.TenantDatabase.Name),
                Text("DB_USER", Database.ApiRole(identity.Api)),
                Text("DB_SSLMODE", "require"),
                Text("DB_MAX_POOL_SIZE", $"{config.ConnectionsPerInstance}"),
                Text("UI_ORIGIN", $"https://{config.UiHost}"),
                Text("IDENTITY_TENANT", identity.Tenant.Name),
                Secret("SIGNING_KEY", secrets.SigningKey),
            ],
            [.. migration.Prerequisites, .. database.ApiPrerequisites, .. secrets.SigningKey.Prerequisites],
            new ServiceTemplateVpcAccessArgs
            {
                Egress = "PRIVATE_RANGES_ONLY",
                NetworkInterfaces =
                {
                    new ServiceTemplateVpcAccessNetworkInterfaceArgs
                    {
                        Network = config.Platform.Network,
                        Subnetwork = config.Platform.Subnetwork,
                    },
                },
            }
        );

        // No route into the network: the user interface speaks to the API over its public name.
        Ui = Service(
            config,
            "ui",
            config.UiImage,
            identity.Ui.Email,
            [
                Text("API_URL", $"https://{config.ApiHost}"),
                Text("IDENTITY_TENANT", identity.Tenant.Name),
                Secret("IDENTITY_API_KEY", secrets.SignInKey),
            ],
            [.. migration.Prerequisites, .. secrets.SignInKey.Prerequisites],
            vpcAccess: null
        );

        RegisterOutputs();
    }

    /// <summary>The API.</summary>
    public Service Api { get; }

    /// <summary>The user interface.</summary>
    public Service Ui { get; }

    Service Service(
        TenantConfig config,
        string workload,
        string image,
        Output<string> account,
        IEnumerable<ServiceTemplateContainerEnvArgs> environment,
        IEnumerable<Resource> prerequisites,
        ServiceTemplateVpcAccessArgs? vpcAccess
    )
    {
        var container = new ServiceTemplateContainerArgs
        {
            Image = image,
            Ports = new ServiceTemplateContainerPortsArgs { ContainerPort = Port },
            Envs = environment.Prepend(Text("TENANT_SLUG", config.Slug.Text)).ToArray(),
            Resources = new ServiceTemplateContainerResourcesArgs
            {
                Limits = { ["cpu"] = $"{config.Cpu}", ["memory"] = config.Memory },
                CpuIdle = true,
                StartupCpuBoost = true,
            },
            StartupProbe = new ServiceTemplateContainerStartupProbeArgs
            {
                HttpGet = new ServiceTemplateContainerStartupProbeHttpGetArgs { Path = HealthPath, Port = Port },
                PeriodSeconds = 5,
                TimeoutSeconds = 3,
                FailureThreshold = 24,
            },
            LivenessProbe = new ServiceTemplateContainerLivenessProbeArgs
            {
                HttpGet = new ServiceTemplateContainerLivenessProbeHttpGetArgs { Path = HealthPath, Port = Port },
                PeriodSeconds = 15,
                TimeoutSeconds = 5,
                FailureThreshold = 4,
            },
        };

        return new Service(
            workload,
            new ServiceArgs
            {
                // The load balancer's endpoint group holds on to the name and cannot be replaced while it is in use.
                Name = config.Names.Run(workload),
                Location = config.Platform.Region,
                Labels = config.Labels,
                DeletionProtection = config.Protected,
                // From outside only through the load balancer, which is where Cloud Armor, TLS policy and logs are.
                Ingress = "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER",
                DefaultUriDisabled = true,
                // Decided, not forgotten: visitors have no Google identity. The programs authenticate them, and ingress
                // is closed.
                // https://cloud.google.com/run/docs/securing/managing-access#invoker_check
                InvokerIamDisabled = true,
                // The template has no revision name: Cloud Run names each revision, and all requests go to the latest
                // one.
                Traffics =
                {
                    new ServiceTrafficArgs { Type = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", Percent = 100 },
                },
                Template = new ServiceTemplateArgs
                {
                    Labels = config.Labels,
                    ServiceAccount = account,
                    ExecutionEnvironment = "EXECUTION_ENVIRONMENT_GEN2",
                    Timeout = "60s",
                    MaxInstanceRequestConcurrency = config.Concurrency,
                    Scaling = new ServiceTemplateScalingArgs
                    {
                        MinInstanceCount = config.Tier.MinInstances,
                        MaxInstanceCount = config.Tier.MaxInstances,
                    },
                    VpcAccess = vpcAccess!,
                    Containers = { container },
                },
            },
            new CustomResourceOptions { Parent = this, DependsOn = prerequisites.Distinct().ToArray() }
        );
    }

    static ServiceTemplateContainerEnvArgs Text(string name, Input<string> value) =>
        new() { Name = name, Value = value };

    static ServiceTemplateContainerEnvArgs Secret(string name, SecretReference secret) =>
        new()
        {
            Name = name,
            ValueSource = new ServiceTemplateContainerEnvValueSourceArgs
            {
                SecretKeyRef = new ServiceTemplateContainerEnvValueSourceSecretKeyRefArgs
                {
                    Secret = secret.Secret,
                    Version = secret.Version,
                },
            },
        };
}
