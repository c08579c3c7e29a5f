namespace Pulumi.Gcp.BinaryAuthorization
{
    public class Attestor(string name, AttestorArgs args, CustomResourceOptions? options = null)
        : CustomResource("gcp:binaryauthorization/attestor:Attestor", name, args, options)
    {
        [Output("name")]
        public Output<string> Name { get; private set; } = null!;
    }

    public sealed class AttestorArgs : ResourceArgs
    {
        [Input("attestationAuthorityNote", required: true)]
        public Input<Inputs.AttestorAttestationAuthorityNoteArgs> AttestationAuthorityNote { get; set; } = null!;

        [Input("name")]
        public Input<string>? Name { get; set; }
    }

    public class Policy(string name, PolicyArgs args, CustomResourceOptions? options = null)
        : CustomResource("gcp:binaryauthorization/policy:Policy", name, args, options);

    public sealed class PolicyArgs : ResourceArgs
    {
        [Input("defaultAdmissionRule", required: true)]
        public Input<Inputs.PolicyDefaultAdmissionRuleArgs> DefaultAdmissionRule { get; set; } = null!;

        [Input("globalPolicyEvaluationMode")]
        public Input<string>? GlobalPolicyEvaluationMode { get; set; }
    }
}

namespace Pulumi.Gcp.BinaryAuthorization.Inputs
{
    public sealed class AttestorAttestationAuthorityNoteArgs : ResourceArgs
    {
        [Input("noteReference", required: true)]
        public Input<string> NoteReference { get; set; } = null!;

        [field: Input("publicKeys")]
        public InputList<AttestorAttestationAuthorityNotePublicKeyArgs> PublicKeys
        {
            get => field ??= new();
            set;
        }
    }

    public sealed class AttestorAttestationAuthorityNotePublicKeyArgs : ResourceArgs
    {
        [Input("id")]
        public Input<string>? Id { get; set; }

        [Input("pkixPublicKey")]
        public Input<AttestorAttestationAuthorityNotePublicKeyPkixPublicKeyArgs>? PkixPublicKey { get; set; }
    }

    public sealed class AttestorAttestationAuthorityNotePublicKeyPkixPublicKeyArgs : ResourceArgs
    {
        [Input("publicKeyPem")]
        public Input<string>? PublicKeyPem { get; set; }

        [Input("signatureAlgorithm")]
        public Input<string>? SignatureAlgorithm { get; set; }
    }

    public sealed class PolicyDefaultAdmissionRuleArgs : ResourceArgs
    {
        [Input("enforcementMode", required: true)]
        public Input<string> EnforcementMode { get; set; } = null!;

        [Input("evaluationMode", required: true)]
        public Input<string> EvaluationMode { get; set; } = null!;

        [field: Input("requireAttestationsBies")]
        public InputList<string> RequireAttestationsBies
        {
            get => field ??= new();
            set;
        }
    }
}
