using Pulumi;
using Pulumi.Gcp.CloudRunV2;
using Pulumi.Gcp.CloudRunV2.Inputs;
using Pulumi.Gcp.Compute;
using Pulumi.Gcp.Compute.Inputs;
using Pulumi.Gcp.SecretManager;
using Pulumi.Gcp.ServiceAccount;

namespace Platforms;

/// <summary>The job that tells whether a tenant can be promoted: all that <c>validate</c> may start.</summary>
/// <param name="args">What it works with.</param>
/// <param name="validate">Who may start it.</param>
/// <param name="child">Options of what belongs to it.</param>
sealed class DryRunJob(AutomationArgs args, Account validate, CustomResourceOptions child)
{
    const string Tag = "dry-run";

    internal Job Declare()
    {
        var account = new Account("dry-run", new AccountArgs { AccountId = "dry-run" }, child);
        Resource[] before = [.. Readers(account), .. Rules()];
        var job = new Job(
            "dry-run",
            new JobArgs
            {
                Name = "dry-run",
                Location = args.Config.Region,
                Labels = args.Config.Labels,
                DeletionProtection = true,
                BinaryAuthorization = new JobBinaryAuthorizationArgs { UseDefault = true },
                Template = new JobTemplateArgs
                {
                    Labels = args.Config.Labels,
                    TaskCount = 1,
                    Template = Template(account),
                },
            },
            CustomResourceOptions.Merge(child, new CustomResourceOptions { DependsOn = before })
        );
        Starters(job);
        return job;
    }

    IEnumerable<Resource> Readers(Account account) =>
        new[] { ("password", args.Vault.SharedPassword), ("ca", args.Vault.SharedCa) }.Select(
            secret => new SecretIamMember(
                $"dry-run-{secret.Item1}",
                new SecretIamMemberArgs
                {
                    SecretId = secret.Item2.SecretId,
                    Role = "roles/secretmanager.secretAccessor",
                    Member = account.Member,
                },
                child
            )
        );

    Firewall[] Rules()
    {
        // Whoever starts the job may say other variables too: the password goes to the shared server or nowhere.
        var allowed = new FirewallArgs
        {
            Name = "dry-run-shared",
            Network = args.Foundation.Network.Id,
            Direction = "EGRESS",
            Priority = 900,
            TargetTags = { Tag },
            Allows =
            {
                new FirewallAllowArgs { Protocol = "tcp", Ports = { $"{args.Config.SharedDatabasePort}" } },
            },
            DestinationRanges = { $"{args.Config.SharedDatabaseHost}/32" },
        };
        var denied = new FirewallArgs
        {
            Name = "dry-run-deny",
            Network = args.Foundation.Network.Id,
            Direction = "EGRESS",
            Priority = 1000,
            TargetTags = { Tag },
            Denies = { new FirewallDenyArgs { Protocol = "all" } },
            DestinationRanges = { "0.0.0.0/0" },
        };
        return [new Firewall("dry-run-shared", allowed, child), new Firewall("dry-run-deny", denied, child)];
    }

    JobTemplateTemplateArgs Template(Account account) =>
        new()
        {
            ServiceAccount = account.Email,
            MaxRetries = 0,
            Timeout = "1200s",
            ExecutionEnvironment = "EXECUTION_ENVIRONMENT_GEN2",
            VpcAccess = new JobTemplateTemplateVpcAccessArgs
            {
                Egress = "ALL_TRAFFIC",
                NetworkInterfaces =
                {
                    new JobTemplateTemplateVpcAccessNetworkInterfaceArgs
                    {
                        Network = args.Foundation.Network.Id,
                        Subnetwork = args.Foundation.Subnetwork.Id,
                        Tags = { Tag },
                    },
                },
            },
            Containers = { Container() },
            Volumes = { Certificate() },
        };

    JobTemplateTemplateVolumeArgs Certificate() =>
        new()
        {
            Name = "sharedca",
            Secret = new JobTemplateTemplateVolumeSecretArgs
            {
                Secret = args.Vault.SharedCa.SecretId,
                Items =
                {
                    new JobTemplateTemplateVolumeSecretItemArgs { Path = "ca.pem", Version = "latest" },
                },
            },
        };

    void Starters(Job job)
    {
        foreach (var role in new[] { "run.jobsExecutorWithOverrides", "run.viewer" })
            _ = new JobIamMember(
                $"validate-{role}",
                new JobIamMemberArgs
                {
                    Name = job.Name,
                    Location = args.Config.Region,
                    Role = $"roles/{role}",
                    Member = validate.Member,
                },
                child
            );
    }

    // The program cannot be overridden, its arguments and variables can: it takes a slug, knows one verb, and hands on the
    // variables below and no others.
    JobTemplateTemplateContainerArgs Container() =>
        new()
        {
            Image = args.Config.MigratorImage,
            Commands = { "/app/dry-run" },
            Resources = new JobTemplateTemplateContainerResourcesArgs
            {
                Limits = { ["cpu"] = "1", ["memory"] = "512Mi" },
            },
            Envs =
            {
                Text("DB_HOST", args.Config.SharedDatabaseHost),
                Text("DB_PORT", $"{args.Config.SharedDatabasePort}"),
                Text("DB_NAME", args.Config.SharedDatabaseName),
                Text("DB_USER", args.Config.SharedDatabaseUser),
                Text("DB_SSLMODE", "verify-ca"),
                Text("DB_SSLROOTCERT", "/certificates/sharedca/ca.pem"),
                Password(),
            },
            VolumeMounts =
            {
                new JobTemplateTemplateContainerVolumeMountArgs
                {
                    Name = "sharedca",
                    MountPath = "/certificates/sharedca",
                },
            },
        };

    static JobTemplateTemplateContainerEnvArgs Text(string name, string value) => new() { Name = name, Value = value };

    JobTemplateTemplateContainerEnvArgs Password() =>
        new()
        {
            Name = "DB_PASSWORD",
            ValueSource = new JobTemplateTemplateContainerEnvValueSourceArgs
            {
                SecretKeyRef = new JobTemplateTemplateContainerEnvValueSourceSecretKeyRefArgs
                {
                    Secret = args.Vault.SharedPassword.SecretId,
                    Version = "latest",
                },
            },
        };
}
