using Pulumi;
using Pulumi.Gcp.Kms;

namespace Infra;

/// <summary>
/// A key of the tenant's own for its database, backups, secrets and audit trail. See
/// <see href="https://cloud.google.com/sql/docs/postgres/cmek">customer-managed encryption keys</see>. Whoever destroys
/// its versions makes all of that unreadable. It is chosen when the tenant is created and cannot be added later.
/// </summary>
public sealed class Encryption : ComponentResource
{
    static readonly string[] Services = ["cloud-sql", "secretmanager", "logging"];

    /// <summary>Declares the key and which of Google's services may use it.</summary>
    /// <param name="name">The part's name in the stack.</param>
    /// <param name="args">What it is made of.</param>
    /// <param name="options">The part's options.</param>
    public Encryption(string name, EncryptionArgs args, ComponentResourceOptions? options = null)
        : base("tenant:infra:Encryption", name, options)
    {
        ArgumentNullException.ThrowIfNull(args);
        var (tenant, platform) = (args.Tenant, args.Tenant.Platform);
        // Named by Pulumi: a key and its name stay for ever.
        Key = new CryptoKey(
            tenant.Names.Generated("data"),
            new CryptoKeyArgs
            {
                KeyRing = platform.DataKeyRing,
                Purpose = "ENCRYPT_DECRYPT",
                // 90 days. What was encrypted before stays readable.
                RotationPeriod = "7776000s",
                Labels = tenant.Labels,
            },
            new CustomResourceOptions { Parent = this, Protect = tenant.Protected }
        );
        Users =
        [
            .. Services.Select(service => new CryptoKeyIAMMember(
                service,
                new CryptoKeyIAMMemberArgs
                {
                    CryptoKeyId = Key.Id,
                    Role = "roles/cloudkms.cryptoKeyEncrypterDecrypter",
                    Member =
                        $"serviceAccount:service-{platform.ProjectNumber}@gcp-sa-{service}.iam.gserviceaccount.com",
                },
                new CustomResourceOptions { Parent = this }
            )),
        ];

        RegisterOutputs(new Dictionary<string, object?> { ["key"] = Key.Id });
    }

    /// <summary>The key.</summary>
    public CryptoKey Key { get; }

    /// <summary>What must exist before something is encrypted with it.</summary>
    public IReadOnlyList<Resource> Users { get; }
}

/// <summary>What <see cref="Encryption"/> is made of.</summary>
/// <param name="Tenant">The tenant.</param>
public sealed record EncryptionArgs(Tenant Tenant);
