namespace Pulumi.Gcp.Storage
{
    public class Bucket(string name, BucketArgs args, CustomResourceOptions? options = null)
        : CustomResource("gcp:storage/bucket:Bucket", name, args, options)
    {
        [Output("name")]
        public Output<string> Name { get; private set; } = null!;
    }

    public sealed class BucketArgs : ResourceArgs
    {
        [field: Input("labels")]
        public InputMap<string> Labels
        {
            get => field ??= new();
            set;
        }

        [Input("location", required: true)]
        public Input<string> Location { get; set; } = null!;

        [Input("name")]
        public Input<string>? Name { get; set; }

        [Input("publicAccessPrevention")]
        public Input<string>? PublicAccessPrevention { get; set; }

        [Input("uniformBucketLevelAccess")]
        public Input<bool>? UniformBucketLevelAccess { get; set; }

        [Input("versioning")]
        public Input<Inputs.BucketVersioningArgs>? Versioning { get; set; }
    }

    public class BucketIAMMember(string name, BucketIAMMemberArgs args, CustomResourceOptions? options = null)
        : CustomResource("gcp:storage/bucketIAMMember:BucketIAMMember", name, args, options);

    public sealed class BucketIAMMemberArgs : ResourceArgs
    {
        [Input("bucket", required: true)]
        public Input<string> Bucket { get; set; } = null!;

        [Input("member", required: true)]
        public Input<string> Member { get; set; } = null!;

        [Input("role", required: true)]
        public Input<string> Role { get; set; } = null!;
    }
}

namespace Pulumi.Gcp.Storage.Inputs
{
    public sealed class BucketVersioningArgs : ResourceArgs
    {
        [Input("enabled", required: true)]
        public Input<bool> Enabled { get; set; } = null!;
    }
}
