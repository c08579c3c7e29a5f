namespace Pulumi.Gcp.Kms
{
    public class CryptoKey(string name, CryptoKeyArgs args, CustomResourceOptions? options = null)
        : CustomResource("gcp:kms/cryptoKey:CryptoKey", name, args, options)
    {
        [Output("name")]
        public Output<string> Name { get; private set; } = null!;
    }

    public sealed class CryptoKeyArgs : ResourceArgs
    {
        [Input("name")]
        public Input<string>? Name { get; set; }

        [Input("keyRing", required: true)]
        public Input<string> KeyRing { get; set; } = null!;

        [field: Input("labels")]
        public InputMap<string> Labels
        {
            get => field ??= new();
            set;
        }

        [Input("purpose")]
        public Input<string>? Purpose { get; set; }

        [Input("rotationPeriod")]
        public Input<string>? RotationPeriod { get; set; }

        [Input("versionTemplate")]
        public Input<Inputs.CryptoKeyVersionTemplateArgs>? VersionTemplate { get; set; }
    }

    public class CryptoKeyIAMMember(string name, CryptoKeyIAMMemberArgs args, CustomResourceOptions? options = null)
        : CustomResource("gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember", name, args, options);

    public sealed class CryptoKeyIAMMemberArgs : ResourceArgs
    {
        [Input("cryptoKeyId", required: true)]
        public Input<string> CryptoKeyId { get; set; } = null!;

        [Input("member", required: true)]
        public Input<string> Member { get; set; } = null!;

        [Input("role", required: true)]
        public Input<string> Role { get; set; } = null!;
    }

    public class KeyRing(string name, KeyRingArgs args, CustomResourceOptions? options = null)
        : CustomResource("gcp:kms/keyRing:KeyRing", name, args, options)
    {
        [Output("name")]
        public Output<string> Name { get; private set; } = null!;
    }

    public sealed class KeyRingArgs : ResourceArgs
    {
        [Input("location", required: true)]
        public Input<string> Location { get; set; } = null!;

        [Input("name")]
        public Input<string>? Name { get; set; }
    }
}

namespace Pulumi.Gcp.Kms.Inputs
{
    public sealed class CryptoKeyVersionTemplateArgs : ResourceArgs
    {
        [Input("algorithm", required: true)]
        public Input<string> Algorithm { get; set; } = null!;
    }
}
