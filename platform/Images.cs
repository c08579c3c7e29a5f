using Pulumi;
using Pulumi.Gcp.ArtifactRegistry;
using Pulumi.Gcp.BinaryAuthorization;
using Pulumi.Gcp.BinaryAuthorization.Inputs;
using Pulumi.Gcp.ContainerAnalysis;
using Pulumi.Gcp.ContainerAnalysis.Inputs;
using Pulumi.Gcp.Kms;
using Pulumi.Gcp.Kms.Inputs;

namespace Platforms;

/// <summary>
/// Which images of the migrator run: those that main's workflow has built, scanned and signed. Cloud Run asks the policy
/// before it starts a job that says <c>useDefault</c>.
/// </summary>
/// <remarks>https://cloud.google.com/binary-authorization/docs/run/overview</remarks>
public sealed class Images : ComponentResource
{
    const string Signer = "migrator";

    /// <summary>Declares them.</summary>
    /// <param name="name">The part's name in the stack.</param>
    /// <param name="args">What it is made of.</param>
    /// <param name="options">The part's options.</param>
    public Images(string name, ImagesArgs args, ComponentResourceOptions? options = null)
        : base("platform:shared:Images", name, options)
    {
        ArgumentNullException.ThrowIfNull(args);
        var config = args.Config;
        var child = new CustomResourceOptions { Parent = this, DependsOn = args.Foundation.Enabled.ToArray() };
        var kept = CustomResourceOptions.Merge(child, new CustomResourceOptions { Protect = true });

        var ring = new KeyRing("images", new KeyRingArgs { Name = "images", Location = config.Region }, kept);
        var key = new CryptoKey(
            "images",
            new CryptoKeyArgs
            {
                Name = "images",
                KeyRing = ring.Id,
                Purpose = "ASYMMETRIC_SIGN",
                VersionTemplate = new CryptoKeyVersionTemplateArgs { Algorithm = "EC_SIGN_P256_SHA256" },
                Labels = config.Labels,
            },
            kept
        );
        var note = new Note(
            "images",
            new NoteArgs
            {
                Name = Signer,
                AttestationAuthority = new NoteAttestationAuthorityArgs
                {
                    Hint = new NoteAttestationAuthorityHintArgs { HumanReadableName = "Built and scanned from main" },
                },
            },
            child
        );
        KeyVersion =
            $"projects/{config.Project}/locations/{config.Region}/keyRings/images/cryptoKeys/images/cryptoKeyVersions/1";
        // The key makes its public half, which the settings then name.
        if (config.ImagePublicKey != "")
            Require(config, note, child);
        Grant(args, key, note, child);
        RegisterOutputs(new Dictionary<string, object?> { ["keyVersion"] = KeyVersion });
    }

    /// <summary>The version of the key that signs: projects/P/locations/R/….</summary>
    public string KeyVersion { get; }

    void Require(PlatformConfig config, Note note, CustomResourceOptions child)
    {
        var attestor = new Attestor(
            "images",
            new AttestorArgs
            {
                Name = Signer,
                AttestationAuthorityNote = new AttestorAttestationAuthorityNoteArgs
                {
                    NoteReference = note.Name,
                    PublicKeys =
                    {
                        new AttestorAttestationAuthorityNotePublicKeyArgs
                        {
                            Id = $"//cloudkms.googleapis.com/v1/{KeyVersion}",
                            PkixPublicKey = new AttestorAttestationAuthorityNotePublicKeyPkixPublicKeyArgs
                            {
                                PublicKeyPem = config.ImagePublicKey,
                                SignatureAlgorithm = "ECDSA_P256_SHA256",
                            },
                        },
                    },
                },
            },
            child
        );
        _ = new Policy(
            "images",
            new PolicyArgs
            {
                DefaultAdmissionRule = new PolicyDefaultAdmissionRuleArgs
                {
                    EvaluationMode = "REQUIRE_ATTESTATION",
                    EnforcementMode = "ENFORCED_BLOCK_AND_AUDIT_LOG",
                    RequireAttestationsBies = { attestor.Name },
                },
                GlobalPolicyEvaluationMode = "ENABLE",
            },
            child
        );
    }

    static void Grant(ImagesArgs args, CryptoKey key, Note note, CustomResourceOptions child)
    {
        var member = args.Automation.Build.Member;
        _ = new RepositoryIamMember(
            "images",
            new RepositoryIamMemberArgs
            {
                Repository = args.Foundation.Registry.RepositoryId,
                Location = args.Config.Region,
                Role = "roles/artifactregistry.writer",
                Member = member,
            },
            child
        );
        _ = new CryptoKeyIAMMember(
            "images",
            new CryptoKeyIAMMemberArgs
            {
                CryptoKeyId = key.Id,
                Role = "roles/cloudkms.signerVerifier",
                Member = member,
            },
            child
        );
        _ = new NoteIamMember(
            "images",
            new NoteIamMemberArgs
            {
                Note = note.Name,
                Role = "roles/containeranalysis.notes.attacher",
                Member = member,
            },
            child
        );
    }
}

/// <summary>What <see cref="Images"/> is made of.</summary>
/// <param name="Config">The platform's settings.</param>
/// <param name="Foundation">The project's APIs and registry.</param>
/// <param name="Automation">Who builds.</param>
public sealed record ImagesArgs(PlatformConfig Config, Foundation Foundation, Automation Automation);
