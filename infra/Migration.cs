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
    public Migration(
        TenantConfig config,
        Identity identity,
        Database database,
        Secrets secrets,
        ComponentResourceOptions options
    )
        : base("tenant:infra:Migration", "migration", options)
    {
        Prerequisites =
        [
            .. database.MigratorPrerequisites,
            .. secrets.DatabasePassword.Prerequisites,
            .. secrets.SharedDatabasePassword.Prerequisites,
        ];

        Job = new Job(
            "migrator",
            new JobArgs
            {
                Name = config.Names.Run("migrator"),
                Location = config.Platform.Region,
                Labels = config.Labels,
                DeletionProtection = config.Protected,
                Template = new JobTemplateArgs
                {
                    Labels = config.Labels,
                    TaskCount = 1,
                    Parallelism = 1,
                    Template = new JobTemplateTemplateArgs
                    {
                        ServiceAccount = identity.Migrator.Email,
                        // A killed promotion goes on where it stopped, so that running it again is the right answer to
                        // a lost machine.
                        MaxRetries = 2,
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
                                    Network = config.Platform.Network,
                                    Subnetwork = config.Platform.Subnetwork,
                                },
                            },
                        },
                        Containers = { Container(config, database, secrets) },
                    },
                },
            },
            new CustomResourceOptions { Parent = this, DependsOn = Prerequisites.ToArray() }
        );

        RegisterOutputs();
    }

    /// <summary>The job.</summary>
    public Job Job { get; }

    /// <summary>
    /// What the job needs; the services start after it, so that a failed grant is seen before they do.
    /// </summary>
    public IReadOnlyList<Resource> Prerequisites { get; }

    static JobTemplateTemplateContainerArgs Container(TenantConfig config, Database database, Secrets secrets) =>
        new()
        {
            Image = config.MigratorImage,
            Args = { "promote", $"--tenant-slug={config.Slug}", "--confirm", "--log-format", "json" },
            Resources = new JobTemplateTemplateContainerResourcesArgs
            {
                Limits = { ["cpu"] = "2", ["memory"] = "1Gi" },
            },
            Envs =
            {
                Text("DB_HOST", config.Platform.SharedDatabaseHost),
                Text("DB_PORT", config.Platform.SharedDatabasePort),
                Text("DB_NAME", config.Platform.SharedDatabaseName),
                Text("DB_USER", config.Platform.SharedDatabaseUser),
                Secret("DB_PASSWORD", secrets.SharedDatabasePassword),
                Text("TARGET_DB_HOST", database.Instance.PrivateIpAddress),
                Text("TARGET_DB_PORT", "5432"),
                Text("TARGET_DB_USER", Database.MigratorRole),
                Text("TARGET_DB_SSLMODE", "require"),
                Secret("TARGET_DB_PASSWORD", secrets.DatabasePassword),
                // So that the route it writes at the cutover is the stack's output of that name.
                Text("MIGRATOR_DOMAIN", config.Platform.DnsDomain.TrimEnd('.')),
            },
        };

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
