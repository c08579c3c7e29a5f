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
    /// Path that answers 200 as long as the program works, whatever its database does: probes ask it. A program that
    /// is deployed before its tables and its rights exist starts, and stays.
    /// </summary>
    public const string LivePath = "/live";

    /// <summary>
    /// Path that answers 200 when the program can serve: uptime checks and promotions ask it. Not <c>/healthz</c>, which
    /// <see href="https://cloud.google.com/run/docs/known-issues">Google's front end answers itself</see>.
    /// </summary>
    public const string HealthPath = "/health";

    const int Port = 8080;

    /// <summary>Declares both services.</summary>
    /// <param name="name">The part's name in the stack.</param>
    /// <param name="args">What it is made of.</param>
    /// <param name="options">The part's options.</param>
    public Services(string name, ServicesArgs args, ComponentResourceOptions? options = null)
        : base("tenant:infra:Services", name, options)
    {
        ArgumentNullException.ThrowIfNull(args);
        Api = DeclareApi(args);
        Ui = DeclareUi(args);
        RegisterOutputs(new Dictionary<string, object?> { ["api"] = Api.Name, ["ui"] = Ui.Name });
    }

    /// <summary>The API.</summary>
    public Service Api { get; }

    /// <summary>The user interface.</summary>
    public Service Ui { get; }

    Service DeclareApi(ServicesArgs args) =>
        Service(
            args,
            "api",
            args.ApiImage,
            args.Identity.Api.Email,
            Environment(args),
            [
                .. args.Migration.Prerequisites,
                .. args.Database.ApiPrerequisites,
                .. args.Secrets.SigningKey.Prerequisites,
                .. args.Secrets.ServerCertificate.Prerequisites,
                .. args.Network.Api,
            ],
            Egress(args),
            args.Secrets.ServerCertificate
        );

    static ServiceTemplateContainerEnvArgs[] Environment(ServicesArgs args) =>
        [
            Text("DB_HOST", args.Database.Instance.PrivateIpAddress),
            Text("DB_PORT", args.Database.ApiPort),
            Text("DB_NAME", args.Database.TenantDatabase.Name),
            Text("DB_USER", Database.ApiRole(args.Identity.Api)),
            Text("DB_SSLMODE", "verify-ca"),
            Text("DB_SSLROOTCERT", "/certificates/serverca/ca.pem"),
            Text("DB_MAX_POOL_SIZE", $"{args.ConnectionsPerInstance}"),
            Text("UI_ORIGIN", $"https://{args.Tenant.UiHost}"),
            Text("IDENTITY_TENANT", args.Identity.Users.Name),
            Secret("SIGNING_KEY", args.Secrets.SigningKey),
        ];

    static ServiceTemplateVpcAccessArgs Egress(ServicesArgs args) =>
        new()
        {
            Egress = "PRIVATE_RANGES_ONLY",
            NetworkInterfaces =
            {
                new ServiceTemplateVpcAccessNetworkInterfaceArgs
                {
                    Network = args.Tenant.Platform.Network,
                    Subnetwork = args.Tenant.Platform.Subnetwork,
                    Tags = { args.Tenant.Names.Label("api") },
                },
            },
        };

    // No route into the network: the user interface speaks to the API over its public name.
    Service DeclareUi(ServicesArgs args) =>
        Service(
            args,
            "ui",
            args.UiImage,
            args.Identity.Ui.Email,
            [
                Text("API_URL", $"https://{args.Tenant.ApiHost}"),
                Text("IDENTITY_TENANT", args.Identity.Users.Name),
                Secret("IDENTITY_API_KEY", args.Secrets.SignInKey),
            ],
            [.. args.Migration.Prerequisites, .. args.Secrets.SignInKey.Prerequisites],
            vpcAccess: null,
            certificate: null
        );

    Service Service(
        ServicesArgs args,
        string workload,
        string image,
        Output<string> account,
        IEnumerable<ServiceTemplateContainerEnvArgs> environment,
        IEnumerable<Resource> prerequisites,
        ServiceTemplateVpcAccessArgs? vpcAccess,
        SecretReference? certificate
    )
    {
        var container = Container(args, image, environment);
        var template = Template(args, account, container, vpcAccess);
        if (certificate is not null)
            Mount(certificate, template, container);
        return new Service(
            workload,
            new ServiceArgs
            {
                // The load balancer's endpoint group holds on to the name and cannot be replaced while it is in use.
                Name = args.Tenant.Names.Run(workload),
                Location = args.Tenant.Platform.Region,
                Labels = args.Tenant.Labels,
                DeletionProtection = args.Tenant.Protected,
                // From outside only through the load balancer, which is where Cloud Armor, TLS policy and logs are.
                Ingress = "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER",
                DefaultUriDisabled = true,
                // Decided, not forgotten: visitors have no Google args.Identity. The programs authenticate them, and ingress
                // is closed.
                // https://cloud.google.com/run/docs/securing/managing-access#invoker_check
                InvokerIamDisabled = true,
                // The template has no revision name: Cloud Run names each revision, and all requests go to the latest
                // one.
                Traffics =
                {
                    new ServiceTrafficArgs { Type = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", Percent = 100 },
                },
                Template = template,
            },
            new CustomResourceOptions { Parent = this, DependsOn = prerequisites.Distinct().ToArray() }
        );
    }

    static ServiceTemplateContainerArgs Container(
        ServicesArgs args,
        string image,
        IEnumerable<ServiceTemplateContainerEnvArgs> environment
    ) =>
        new()
        {
            Image = image,
            Ports = new ServiceTemplateContainerPortsArgs { ContainerPort = Port },
            Envs = environment.Prepend(Text("TENANT_SLUG", args.Tenant.Slug.Text)).ToArray(),
            Resources = new ServiceTemplateContainerResourcesArgs
            {
                Limits = { ["cpu"] = $"{args.Cpu}", ["memory"] = args.Memory },
                CpuIdle = true,
                StartupCpuBoost = true,
            },
            StartupProbe = Startup(),
            LivenessProbe = Liveness(),
        };

    static ServiceTemplateContainerStartupProbeArgs Startup() =>
        new()
        {
            HttpGet = new ServiceTemplateContainerStartupProbeHttpGetArgs { Path = LivePath, Port = Port },
            PeriodSeconds = 5,
            TimeoutSeconds = 3,
            FailureThreshold = 24,
        };

    static ServiceTemplateContainerLivenessProbeArgs Liveness() =>
        new()
        {
            HttpGet = new ServiceTemplateContainerLivenessProbeHttpGetArgs { Path = LivePath, Port = Port },
            PeriodSeconds = 15,
            TimeoutSeconds = 5,
            FailureThreshold = 4,
        };

    static ServiceTemplateArgs Template(
        ServicesArgs args,
        Output<string> account,
        ServiceTemplateContainerArgs container,
        ServiceTemplateVpcAccessArgs? vpcAccess
    ) =>
        new()
        {
            Labels = args.Tenant.Labels,
            ServiceAccount = account,
            ExecutionEnvironment = "EXECUTION_ENVIRONMENT_GEN2",
            Timeout = "60s",
            MaxInstanceRequestConcurrency = args.Concurrency,
            Scaling = new ServiceTemplateScalingArgs
            {
                MinInstanceCount = args.MinInstances,
                MaxInstanceCount = args.MaxInstances,
            },
            VpcAccess = vpcAccess!,
            Containers = { container },
        };

    static void Mount(SecretReference certificate, ServiceTemplateArgs template, ServiceTemplateContainerArgs container)
    {
        var item = new ServiceTemplateVolumeSecretItemArgs { Path = "ca.pem", Version = certificate.Version };
        template.Volumes.Add(
            new ServiceTemplateVolumeArgs
            {
                Name = "serverca",
                Secret = new ServiceTemplateVolumeSecretArgs { Secret = certificate.Secret, Items = { item } },
            }
        );
        container.VolumeMounts.Add(
            new ServiceTemplateContainerVolumeMountArgs { Name = "serverca", MountPath = "/certificates/serverca" }
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
