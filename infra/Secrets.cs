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
        var identity = args.Identity;
        DatabasePassword = Declare(args, "dbpassword", args.DatabasePassword, ("reader", identity.Migrator));
        SigningKey = Declare(args, "signingkey", args.SigningKey, ("reader", identity.Api));
        SignInKey = Declare(args, "signinkey", identity.Key.KeyString, ("reader", identity.Ui));
        // No secret, but a file that containers mount: it proves who is at the other end of a connection.
        ServerCertificate = Declare(
            args,
            "serverca",
            args.Database.ServerCertificate,
            ("api", identity.Api),
            ("migrator", identity.Migrator)
        );

        // What is the shared database's belongs to the platform; this stack adds its reader and takes only that away,
        // in the first deployment after the tenant is finalized.
        if (!args.Finalized)
        {
            var platform = args.Tenant.Platform;
            SharedDatabasePassword = Shared("shared-dbpassword", platform.SharedDatabaseSecret, identity);
            SharedServerCertificate = Shared("shared-serverca", platform.SharedDatabaseCaSecret, identity);
        }

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

    /// <summary>Certificate of the authority that vouches for the dedicated server; read by API and migrator.</summary>
    public SecretReference ServerCertificate { get; }

    /// <summary>
    /// Password of the migrator's role on the shared server; read by the migrator until the tenant is finalized.
    /// </summary>
    public SecretReference? SharedDatabasePassword { get; }

    /// <summary>Certificate of the authority that vouches for the shared server; read like its password.</summary>
    public SecretReference? SharedServerCertificate { get; }

    /// <summary>Key that signs the tenant's tokens; read by the API.</summary>
    public SecretReference SigningKey { get; }

    /// <summary>Key of the browser's sign-in; read by the user interface.</summary>
    public SecretReference SignInKey { get; }

    SecretReference Declare(
        SecretsArgs args,
        string kind,
        Output<string> value,
        params (string Name, Account Account)[] readers
    )
    {
        var tenant = args.Tenant;
        var replica = new SecretReplicationUserManagedReplicaArgs { Location = tenant.Platform.Region };
        if (args.Encryption is { } encryption)
            replica.CustomerManagedEncryption = new SecretReplicationUserManagedReplicaCustomerManagedEncryptionArgs
            {
                KmsKeyName = encryption.Key.Id,
            };

        var secret = new Secret(
            kind,
            new SecretArgs
            {
                SecretId = tenant.Names.Secret(kind),
                Labels = tenant.Labels,
                Replication = new SecretReplicationArgs
                {
                    UserManaged = new SecretReplicationUserManagedArgs { Replicas = { replica } },
                },
            },
            new CustomResourceOptions { Parent = this, DependsOn = args.Encryption?.Users.ToArray() ?? [] }
        );

        var version = new SecretVersion(
            kind,
            new SecretVersionArgs { Secret = secret.Id, SecretData = Output.CreateSecret(value) },
            new CustomResourceOptions { Parent = this, AdditionalSecretOutputs = { "secretData" } }
        );

        // By number, not "latest": a new value makes a new revision, which starts with it or not at all.
        return new SecretReference(
            secret.SecretId,
            version.Version,
            [version, .. readers.Select(reader => Reader($"{kind}-{reader.Name}", secret.SecretId, reader.Account))]
        );
    }

    SecretReference Shared(string kind, string secretId, Identity identity) =>
        new(secretId, "latest", [Reader($"{kind}-reader", secretId, identity.Migrator)]);

    SecretIamMember Reader(string name, Input<string> secretId, Account reader) =>
        new(
            name,
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
/// <param name="Database">The dedicated server.</param>
/// <param name="Encryption">The tenant's own key; <c>null</c> where the plan has none.</param>
/// <param name="DatabasePassword">Password of the migrator's role on the dedicated server.</param>
/// <param name="SigningKey">Key with which the tenant's API signs its tokens.</param>
/// <param name="Finalized">Whether the tenant's rows are gone from the shared database.</param>
public sealed record SecretsArgs(
    Tenant Tenant,
    Identity Identity,
    Database Database,
    Encryption? Encryption,
    Output<string> DatabasePassword,
    Output<string> SigningKey,
    bool Finalized
);
