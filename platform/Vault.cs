using Pulumi;
using Pulumi.Gcp.Kms;
using Pulumi.Gcp.SecretManager;
using Pulumi.Gcp.SecretManager.Inputs;
using Pulumi.Gcp.Storage;
using Pulumi.Gcp.Storage.Inputs;

namespace Platforms;

/// <summary>
/// What must not get lost or out: the bucket with the stacks' states and the key that encrypts their secrets, the ring
/// of the tenants' own keys, and what proves and opens the shared server.
/// </summary>
public sealed class Vault : ComponentResource
{
    /// <summary>Declares them.</summary>
    /// <param name="name">The part's name in the stack.</param>
    /// <param name="args">What it is made of.</param>
    /// <param name="options">The part's options.</param>
    public Vault(string name, VaultArgs args, ComponentResourceOptions? options = null)
        : base("platform:shared:Vault", name, options)
    {
        ArgumentNullException.ThrowIfNull(args);
        var config = args.Config;
        var child = new CustomResourceOptions { Parent = this, DependsOn = args.Foundation.Enabled.ToArray() };
        var kept = CustomResourceOptions.Merge(child, new CustomResourceOptions { Protect = true });

        State = new Bucket(
            "state",
            new BucketArgs
            {
                Name = $"{config.Project}-pulumi-state",
                Location = config.Region,
                UniformBucketLevelAccess = true,
                PublicAccessPrevention = "enforced",
                // A state that was overwritten is still there.
                Versioning = new BucketVersioningArgs { Enabled = true },
                Labels = config.Labels,
            },
            kept
        );
        var ring = new KeyRing("state", new KeyRingArgs { Name = "pulumi", Location = config.Region }, kept);
        StateKey = new CryptoKey(
            "state",
            new CryptoKeyArgs
            {
                Name = "state",
                KeyRing = ring.Id,
                Purpose = "ENCRYPT_DECRYPT",
                RotationPeriod = "7776000s",
                Labels = config.Labels,
            },
            kept
        );
        DataKeyRing = new KeyRing("tenants", new KeyRingArgs { Name = "tenants", Location = config.Region }, kept);

        SharedPassword = Declare(config, "factorydb-password", config.SharedDatabasePassword, child);
        SharedCa = Declare(config, "factorydb-ca", config.SharedDatabaseCa, child);
        RegisterOutputs(new Dictionary<string, object?> { ["state"] = State.Name, ["stateKey"] = StateKey.Id });
    }

    /// <summary>The bucket with the stacks' states.</summary>
    public Bucket State { get; }

    /// <summary>The key that encrypts the secrets in them.</summary>
    public CryptoKey StateKey { get; }

    /// <summary>Ring of the tenants' own keys.</summary>
    public KeyRing DataKeyRing { get; }

    /// <summary>Password of the migrator's role on the shared server.</summary>
    public Secret SharedPassword { get; }

    /// <summary>Certificate authority of the shared server.</summary>
    public Secret SharedCa { get; }

    static Secret Declare(PlatformConfig config, string id, Output<string> value, CustomResourceOptions options)
    {
        var secret = new Secret(
            id,
            new SecretArgs
            {
                SecretId = id,
                Labels = config.Labels,
                Replication = new SecretReplicationArgs
                {
                    UserManaged = new SecretReplicationUserManagedArgs
                    {
                        Replicas = { new SecretReplicationUserManagedReplicaArgs { Location = config.Region } },
                    },
                },
            },
            options
        );
        _ = new SecretVersion(
            id,
            new SecretVersionArgs { Secret = secret.Id, SecretData = value },
            CustomResourceOptions.Merge(
                options,
                new CustomResourceOptions { AdditionalSecretOutputs = { "secretData" } }
            )
        );
        return secret;
    }
}

/// <summary>What <see cref="Vault"/> is made of.</summary>
/// <param name="Config">The platform's settings.</param>
/// <param name="Foundation">The project's APIs.</param>
public sealed record VaultArgs(PlatformConfig Config, Foundation Foundation);
