using Pulumi;
using Pulumi.Gcp.ArtifactRegistry;
using Pulumi.Gcp.CloudRunV2;
using Pulumi.Gcp.Iam;
using Pulumi.Gcp.Iam.Inputs;
using Pulumi.Gcp.Kms;
using Pulumi.Gcp.ServiceAccount;
using Pulumi.Gcp.Storage;

namespace Platforms;

/// <summary>
/// Who the workflows are. Each identity takes tokens of one environment of the repository's own main branch; see
/// docs/security.md. And the dry-run job, which is all that <c>validate</c> may start.
/// </summary>
public sealed class Automation : ComponentResource
{
    // What 'plan' reads: what there is, and whose it is. No secret: a plan compares values with the state's, and Drift passes
    // secret versions by when it asks the cloud (drift.sh).
    static readonly string[] PlanRoles =
    [
        "roles/viewer",
        "roles/iam.securityReviewer",
        "roles/serviceusage.serviceUsageConsumer",
    ];

    static readonly string[] DeployRoles =
    [
        "roles/apikeys.admin",
        "roles/certificatemanager.owner",
        "roles/cloudkms.admin",
        "roles/cloudsql.admin",
        "roles/compute.loadBalancerAdmin",
        "roles/compute.securityAdmin",
        "roles/dns.admin",
        "roles/iam.serviceAccountAdmin",
        "roles/iam.serviceAccountUser",
        "roles/identityplatform.admin",
        "roles/logging.admin",
        "roles/monitoring.admin",
        "roles/resourcemanager.projectIamAdmin",
        "roles/run.admin",
        "roles/secretmanager.admin",
        "roles/serviceusage.serviceUsageConsumer",
    ];

    // What 'build' does in the project at large: scans, and says what it has signed. Its other rights lie on one registry, one key
    // and one note (Images).
    static readonly string[] BuildRoles =
    [
        "roles/binaryauthorization.attestorsViewer",
        "roles/containeranalysis.occurrences.editor",
        "roles/ondemandscanning.admin",
    ];

    readonly AutomationArgs args;
    readonly CustomResourceOptions child;
    readonly WorkloadIdentityPool pool;

    /// <summary>Declares them.</summary>
    /// <param name="name">The part's name in the stack.</param>
    /// <param name="args">What it is made of.</param>
    /// <param name="options">The part's options.</param>
    public Automation(string name, AutomationArgs args, ComponentResourceOptions? options = null)
        : base("platform:shared:Automation", name, options)
    {
        ArgumentNullException.ThrowIfNull(args);
        this.args = args;
        child = new CustomResourceOptions { Parent = this, DependsOn = args.Foundation.Enabled.ToArray() };
        pool = new WorkloadIdentityPool(
            "github",
            new WorkloadIdentityPoolArgs { WorkloadIdentityPoolId = "github" },
            child
        );
        Provider = GitHub();
        Validate = Account("validate", "validate");
        Plan = Account("plan", "plan");
        Deploy = Account("deploy", "production", "production-cutover");
        Build = Account("build", "images");
        foreach (var role in PlanRoles)
            Grant("plan", role, Plan);
        foreach (var role in DeployRoles)
            Grant("deploy", role, Deploy);
        foreach (var role in BuildRoles)
            Grant("build", role, Build);
        ReadsImages(Deploy);
        // Tenants' own logs lie in buckets that this role does not open.
        Grant("validate", "roles/logging.viewer", Validate);
        States("plan", "roles/storage.objectViewer", "roles/cloudkms.cryptoKeyDecrypter", Plan);
        States("deploy", "roles/storage.objectUser", "roles/cloudkms.cryptoKeyEncrypterDecrypter", Deploy);
        if (args.Config.MigratorImage != "")
            DryRun = new DryRunJob(args, Validate, child).Declare();
        RegisterOutputs(new Dictionary<string, object?> { ["provider"] = Provider.Name });
    }

    /// <summary>The pool's provider.</summary>
    public WorkloadIdentityPoolProvider Provider { get; }

    /// <summary>May start the dry-run job.</summary>
    public Account Validate { get; }

    /// <summary>Reads the project and the states.</summary>
    public Account Plan { get; }

    /// <summary>Changes tenants, behind an approval.</summary>
    public Account Deploy { get; }

    /// <summary>Builds, scans and signs the migrator's image.</summary>
    public Account Build { get; }

    /// <summary>The dry-run job; <c>null</c> until there is an image.</summary>
    public Job? DryRun { get; }

    WorkloadIdentityPoolProvider GitHub() =>
        new(
            "github",
            new WorkloadIdentityPoolProviderArgs
            {
                WorkloadIdentityPoolId = pool.WorkloadIdentityPoolId,
                WorkloadIdentityPoolProviderId = "github",
                AttributeMapping =
                {
                    ["google.subject"] = "assertion.sub",
                    ["attribute.environment"] = "assertion.environment",
                },
                // Main's own workflow files: what a branch or a pull request brings along gets no token.
                AttributeCondition =
                    $"assertion.repository_id == '{args.Config.RepositoryId}' && assertion.ref == 'refs/heads/main' "
                    + "&& assertion.workflow_ref.endsWith('@refs/heads/main')",
                Oidc = new WorkloadIdentityPoolProviderOidcArgs
                {
                    IssuerUri = "https://token.actions.githubusercontent.com",
                },
            },
            child
        );

    Account Account(string id, params string[] environments)
    {
        var account = new Account(id, new AccountArgs { AccountId = $"github-{id}" }, child);
        foreach (var environment in environments)
            _ = new IAMMember(
                environment == environments[0] ? $"{id}-from-github" : $"{id}-from-{environment}",
                new IAMMemberArgs
                {
                    ServiceAccountId = account.Name,
                    Role = "roles/iam.workloadIdentityUser",
                    Member = pool.Name.Apply(pool =>
                        $"principalSet://iam.googleapis.com/{pool}/attribute.environment/{environment}"
                    ),
                },
                child
            );
        return account;
    }

    void Grant(string id, string role, Account account) =>
        _ = new Pulumi.Gcp.Projects.IAMMember(
            $"{id}-{role.Split('/')[1]}",
            new Pulumi.Gcp.Projects.IAMMemberArgs
            {
                Project = args.Config.Project,
                Role = role,
                Member = account.Member,
            },
            child
        );

    // Cloud Run asks whether whoever deploys an image may read it, and its own roles do not include that.
    // https://cloud.google.com/artifact-registry/docs/integrate-cloud-run
    void ReadsImages(Account account) =>
        _ = new RepositoryIamMember(
            "deploy-images",
            new RepositoryIamMemberArgs
            {
                Repository = args.Foundation.Registry.RepositoryId,
                Location = args.Config.Region,
                Role = "roles/artifactregistry.reader",
                Member = account.Member,
            },
            child
        );

    void States(string id, string bucketRole, string keyRole, Account account)
    {
        _ = new BucketIAMMember(
            $"{id}-state",
            new BucketIAMMemberArgs
            {
                Bucket = args.Vault.State.Name,
                Role = bucketRole,
                Member = account.Member,
            },
            child
        );
        _ = new CryptoKeyIAMMember(
            $"{id}-state",
            new CryptoKeyIAMMemberArgs
            {
                CryptoKeyId = args.Vault.StateKey.Id,
                Role = keyRole,
                Member = account.Member,
            },
            child
        );
    }
}

/// <summary>What <see cref="Automation"/> is made of.</summary>
/// <param name="Config">The platform's settings.</param>
/// <param name="Foundation">The project's APIs and network.</param>
/// <param name="Vault">State, keys and secrets.</param>
public sealed record AutomationArgs(PlatformConfig Config, Foundation Foundation, Vault Vault);
