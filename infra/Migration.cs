using Pulumi;
using Pulumi.Gcp.CloudRunV2;
using Pulumi.Gcp.CloudRunV2.Inputs;

namespace Infra;

/// <summary>
/// The <see href="https://cloud.google.com/run/docs/create-jobs">Cloud Run job</see> that moves the tenant's rows.
/// <c>gcloud run jobs execute … --wait</c> is all that a promotion takes; other verbs of the migrator run with
/// <c>--args</c>.
/// </summary>
public sealed class Migration : ComponentResource
{
    /// <summary>Declares the job.</summary>
    /// <param name="name">The part's name in the stack.</param>
    /// <param name="args">What it is made of.</param>
    /// <param name="options">The part's options.</param>
    public Migration(string name, MigrationArgs args, ComponentResourceOptions? options = null)
        : base("tenant:infra:Migration", name, options)
    {
        ArgumentNullException.ThrowIfNull(args);
        var (database, secrets, network) = (args.Database, args.Secrets, args.Network);
        Prerequisites =
        [
            .. database.MigratorPrerequisites,
            .. secrets.DatabasePassword.Prerequisites,
            .. secrets.ServerCertificate.Prerequisites,
            .. secrets.SharedDatabasePassword?.Prerequisites ?? [],
            .. secrets.SharedServerCertificate?.Prerequisites ?? [],
            .. network.Migrator,
        ];

        // A finalized tenant has nothing left to move, and no way back.
        if (secrets is { SharedDatabasePassword: { } password, SharedServerCertificate: { } certificate })
            Job = Declare(args, password, certificate);

        RegisterOutputs(new Dictionary<string, object?> { ["job"] = Job?.Name });
    }

    /// <summary>The job; <c>null</c> once the tenant is finalized.</summary>
    public Job? Job { get; }

    /// <summary>
    /// What the job needs; the services start after it, so that a failed grant is seen before they do.
    /// </summary>
    public IReadOnlyList<Resource> Prerequisites { get; }

    Job Declare(MigrationArgs args, SecretReference password, SecretReference certificate) =>
        new(
            "migrator",
            new JobArgs
            {
                Name = args.Tenant.Names.Run("migrator"),
                Location = args.Tenant.Platform.Region,
                Labels = args.Tenant.Labels,
                DeletionProtection = args.Tenant.Protected,
                // The platform's policy says whose signature an image needs. Without one, any image passes.
                BinaryAuthorization = new JobBinaryAuthorizationArgs { UseDefault = true },
                Template = new JobTemplateArgs
                {
                    Labels = args.Tenant.Labels,
                    TaskCount = 1,
                    Parallelism = 1,
                    Template = new JobTemplateTemplateArgs
                    {
                        ServiceAccount = args.Identity.Migrator.Email,
                        // Cloud Run cannot tell a refusal from a lost machine and would repeat both. Whoever starts the
                        // job can: run-migrator.sh repeats what may end otherwise, and a promotion goes on where it stopped.
                        MaxRetries = 0,
                        // A day. The longest that Cloud Run allows is seven.
                        Timeout = "86400s",
                        ExecutionEnvironment = "EXECUTION_ENVIRONMENT_GEN2",
                        VpcAccess = new JobTemplateTemplateVpcAccessArgs
                        {
                            Egress = "PRIVATE_RANGES_ONLY",
                            NetworkInterfaces =
                            {
                                new JobTemplateTemplateVpcAccessNetworkInterfaceArgs
                                {
                                    Network = args.Tenant.Platform.Network,
                                    Subnetwork = args.Tenant.Platform.Subnetwork,
                                    Tags = { args.Tenant.Names.Label("migrator") },
                                },
                            },
                        },
                        Containers = { Container(args, password) },
                        Volumes =
                        {
                            Certificate("serverca", args.Secrets.ServerCertificate),
                            Certificate("sharedca", certificate),
                        },
                    },
                },
            },
            new CustomResourceOptions { Parent = this, DependsOn = Prerequisites.ToArray() }
        );

    static JobTemplateTemplateContainerArgs Container(MigrationArgs args, SecretReference password) =>
        new()
        {
            Image = args.Image,
            Args = { "promote", $"--tenant-slug={args.Tenant.Slug}", "--confirm", "--log-format", "json" },
            Resources = new JobTemplateTemplateContainerResourcesArgs
            {
                Limits = { ["cpu"] = "2", ["memory"] = "1Gi" },
            },
            Envs =
            {
                Text("DB_HOST", args.Tenant.Platform.SharedDatabaseHost),
                Text("DB_PORT", args.Tenant.Platform.SharedDatabasePort),
                Text("DB_NAME", args.Tenant.Platform.SharedDatabaseName),
                Text("DB_USER", args.Tenant.Platform.SharedDatabaseUser),
                Secret("DB_PASSWORD", password),
                // The addresses are private ones, which no certificate names: the authority is each server's own.
                Text("DB_SSLMODE", "verify-ca"),
                Text("DB_SSLROOTCERT", "/certificates/sharedca/ca.pem"),
                Text("TARGET_DB_HOST", args.Database.Instance.PrivateIpAddress),
                Text("TARGET_DB_PORT", "5432"),
                Text("TARGET_DB_USER", Database.MigratorRole),
                Text("TARGET_DB_SSLMODE", "verify-ca"),
                Text("TARGET_DB_SSLROOTCERT", "/certificates/serverca/ca.pem"),
                Secret("TARGET_DB_PASSWORD", args.Secrets.DatabasePassword),
                // So that the route it writes at the cutover is the stack's output of that name.
                Text("MIGRATOR_DOMAIN", args.Tenant.Platform.DnsDomain.TrimEnd('.')),
                // The login that must be able to read the database before the tenant is sent there.
                Text("MIGRATOR_APPLICATION_LOGIN", Database.ApiRole(args.Identity.Api)),
            },
            VolumeMounts = { Mount("serverca"), Mount("sharedca") },
        };

    static JobTemplateTemplateVolumeArgs Certificate(string name, SecretReference secret) =>
        new()
        {
            Name = name,
            Secret = new JobTemplateTemplateVolumeSecretArgs
            {
                Secret = secret.Secret,
                Items =
                {
                    new JobTemplateTemplateVolumeSecretItemArgs { Path = "ca.pem", Version = secret.Version },
                },
            },
        };

    static JobTemplateTemplateContainerVolumeMountArgs Mount(string name) =>
        new() { Name = name, MountPath = $"/certificates/{name}" };

    static JobTemplateTemplateContainerEnvArgs Text(string name, Input<string> value) =>
        new() { Name = name, Value = value };

    static JobTemplateTemplateContainerEnvArgs Secret(string name, SecretReference secret) =>
        new()
        {
            Name = name,
            ValueSource = new JobTemplateTemplateContainerEnvValueSourceArgs
            {
                SecretKeyRef = new JobTemplateTemplateContainerEnvValueSourceSecretKeyRefArgs
                {
                    Secret = secret.Secret,
                    Version = secret.Version,
                },
            },
        };
}

/// <summary>What <see cref="Migration"/> is made of.</summary>
/// <param name="Tenant">The tenant.</param>
/// <param name="Identity">Whom the job runs as.</param>
/// <param name="Database">Where the rows go.</param>
/// <param name="Secrets">The passwords of both servers.</param>
/// <param name="Network">Where the job may connect to.</param>
/// <param name="Image">Image of the migrator, by digest.</param>
public sealed record MigrationArgs(
    Tenant Tenant,
    Identity Identity,
    Database Database,
    Secrets Secrets,
    Network Network,
    string Image
);
