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
    public Secrets(TenantConfig config, Identity identity, ComponentResourceOptions options)
        : base("tenant:infra:Secrets", "secrets", options)
    {
        DatabasePassword = Declare(config, "dbpassword", config.DatabasePassword, identity.Migrator);
        SigningKey = Declare(config, "signingkey", config.SigningKey, identity.Api);
        SignInKey = Declare(config, "signinkey", identity.Key.KeyString, identity.Ui);

        // The password of the shared database belongs to the platform; this stack adds its reader and takes only that
        // away.
        SharedDatabasePassword = new SecretReference(
            config.Platform.SharedDatabaseSecret,
            "latest",
            [Reader("shared-dbpassword", config.Platform.SharedDatabaseSecret, identity.Migrator)]
        );

        RegisterOutputs();
    }

    /// <summary>Password of the migrator's role on the dedicated server; read by the migrator.</summary>
    public SecretReference DatabasePassword { get; }

    /// <summary>Password of the migrator's role on the shared server; read by the migrator.</summary>
    public SecretReference SharedDatabasePassword { get; }

    /// <summary>Key that signs the tenant's tokens; read by the API.</summary>
    public SecretReference SigningKey { get; }

    /// <summary>Key of the browser's sign-in; read by the user interface.</summary>
    public SecretReference SignInKey { get; }

    SecretReference Declare(TenantConfig config, string kind, Output<string> value, Account reader)
    {
        var secret = new Secret(
            kind,
            new SecretArgs
            {
                SecretId = config.Names.Secret(kind),
                Labels = config.Labels,
                Replication = new SecretReplicationArgs
                {
                    UserManaged = new SecretReplicationUserManagedArgs
                    {
                        Replicas =
                        {
                            new SecretReplicationUserManagedReplicaArgs { Location = config.Platform.Region },
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
