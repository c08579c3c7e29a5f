using Pulumi;
using Pulumi.Gcp.SecretManager;
using Pulumi.Gcp.SecretManager.Inputs;
using Account = Pulumi.Gcp.ServiceAccount.Account;

namespace Infra;

/// <summary>
/// The tenant's secrets, each kept in the tenant's region and readable by the one account that uses it. Containers get
/// them by <see href="https://cloud.google.com/run/docs/configuring/services/secrets">reference</see>, never as text.
/// </summary>
public sealed class Secrets : ComponentResource
{
    /// <summary>Declares the secrets, their versions and their readers.</summary>
    /// <param name="name">The part's name in the stack.</param>
    /// <param name="args">What it is made of.</param>
    /// <param name="options">The part's options.</param>
    public Secrets(string name, SecretsArgs args, ComponentResourceOptions? options = null)
        : base("tenant:infra:Secrets", name, options)
    {
        ArgumentNullException.ThrowIfNull(args);
        DatabasePassword = Declare(args.Tenant, "dbpassword", args.DatabasePassword, args.Identity.Migrator);
        SigningKey = Declare(args.Tenant, "signingkey", args.SigningKey, args.Identity.Api);
        SignInKey = Declare(args.Tenant, "signinkey", args.Identity.Key.KeyString, args.Identity.Ui);

        // The password of the shared database belongs to the platform; this stack adds its reader and takes only that
        // away.
        SharedDatabasePassword = new SecretReference(
            args.Tenant.Platform.SharedDatabaseSecret,
            "latest",
            [Reader("shared-dbpassword", args.Tenant.Platform.SharedDatabaseSecret, args.Identity.Migrator)]
        );

        RegisterOutputs(
            new Dictionary<string, object?>
            {
                ["databasePassword"] = DatabasePassword.Secret,
                ["signingKey"] = SigningKey.Secret,
                ["signInKey"] = SignInKey.Secret,
            }
        );
    }

    /// <summary>Password of the migrator's role on the dedicated server; read by the migrator.</summary>
    public SecretReference DatabasePassword { get; }

    /// <summary>Password of the migrator's role on the shared server; read by the migrator.</summary>
    public SecretReference SharedDatabasePassword { get; }

    /// <summary>Key that signs the tenant's tokens; read by the API.</summary>
    public SecretReference SigningKey { get; }

    /// <summary>Key of the browser's sign-in; read by the user interface.</summary>
    public SecretReference SignInKey { get; }

    SecretReference Declare(Tenant tenant, string kind, Output<string> value, Account reader)
    {
        var secret = new Secret(
            kind,
            new SecretArgs
            {
                SecretId = tenant.Names.Secret(kind),
                Labels = tenant.Labels,
                Replication = new SecretReplicationArgs
                {
                    UserManaged = new SecretReplicationUserManagedArgs
                    {
                        Replicas =
                        {
                            new SecretReplicationUserManagedReplicaArgs { Location = tenant.Platform.Region },
                        },
                    },
                },
            },
            new CustomResourceOptions { Parent = this }
        );

        var version = new SecretVersion(
            kind,
            new SecretVersionArgs { Secret = secret.Id, SecretData = Output.CreateSecret(value) },
            new CustomResourceOptions { Parent = this, AdditionalSecretOutputs = { "secretData" } }
        );

        // By number, not "latest": a new value makes a new revision, which starts with it or not at all.
        return new SecretReference(secret.SecretId, version.Version, [version, Reader(kind, secret.SecretId, reader)]);
    }

    SecretIamMember Reader(string kind, Input<string> secretId, Account reader) =>
        new(
            $"{kind}-reader",
            new SecretIamMemberArgs
            {
                SecretId = secretId,
                Role = "roles/secretmanager.secretAccessor",
                Member = reader.Member,
            },
            new CustomResourceOptions { Parent = this }
        );
}

/// <summary>How a container refers to a secret, and what must exist before it starts.</summary>
/// <param name="Secret">The secret's id.</param>
/// <param name="Version">The version's number.</param>
/// <param name="Prerequisites">The version and its reader's grant.</param>
public sealed record SecretReference(
    Input<string> Secret,
    Input<string> Version,
    IReadOnlyList<Resource> Prerequisites
);

/// <summary>What <see cref="Secrets"/> are made of.</summary>
/// <param name="Tenant">The tenant.</param>
/// <param name="Identity">Who reads them.</param>
/// <param name="DatabasePassword">Password of the migrator's role on the dedicated server.</param>
/// <param name="SigningKey">Key with which the tenant's API signs its tokens.</param>
public sealed record SecretsArgs(
    Tenant Tenant,
    Identity Identity,
    Output<string> DatabasePassword,
    Output<string> SigningKey
);
