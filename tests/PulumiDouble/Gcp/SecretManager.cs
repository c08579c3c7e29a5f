namespace Pulumi.Gcp.SecretManager
{
    public class Secret(string name, SecretArgs args, CustomResourceOptions? options = null)
        : CustomResource("gcp:secretmanager/secret:Secret", name, args, options)
    {
        [Output("secretId")]
        public Output<string> SecretId { get; private set; } = null!;
    }

    public sealed class SecretArgs : ResourceArgs
    {
        [field: Input("labels")]
        public InputMap<string> Labels
        {
            get => field ??= new();
            set;
        }

        [Input("replication", required: true)]
        public Input<Inputs.SecretReplicationArgs> Replication { get; set; } = null!;

        [Input("secretId")]
        public Input<string>? SecretId { get; set; }
    }

    public class SecretIamMember(string name, SecretIamMemberArgs args, CustomResourceOptions? options = null)
        : CustomResource("gcp:secretmanager/secretIamMember:SecretIamMember", name, args, options);

    public sealed class SecretIamMemberArgs : ResourceArgs
    {
        [Input("member", required: true)]
        public Input<string> Member { get; set; } = null!;

        [Input("role", required: true)]
        public Input<string> Role { get; set; } = null!;

        [Input("secretId", required: true)]
        public Input<string> SecretId { get; set; } = null!;
    }

    public class SecretVersion(string name, SecretVersionArgs args, CustomResourceOptions? options = null)
        : CustomResource("gcp:secretmanager/secretVersion:SecretVersion", name, args, options)
    {
        [Output("version")]
        public Output<string> Version { get; private set; } = null!;
    }

    public sealed class SecretVersionArgs : ResourceArgs
    {
        [Input("secret", required: true)]
        public Input<string> Secret { get; set; } = null!;

        [Input("secretData")]
        public Input<string>? SecretData { get; set; }
    }
}

namespace Pulumi.Gcp.SecretManager.Inputs
{
    public sealed class SecretReplicationArgs : ResourceArgs
    {
        [Input("userManaged")]
        public Input<SecretReplicationUserManagedArgs>? UserManaged { get; set; }
    }

    public sealed class SecretReplicationUserManagedArgs : ResourceArgs
    {
        [field: Input("replicas", required: true)]
        public InputList<SecretReplicationUserManagedReplicaArgs> Replicas
        {
            get => field ??= new();
            set;
        }
    }

    public sealed class SecretReplicationUserManagedReplicaArgs : ResourceArgs
    {
        [Input("customerManagedEncryption")]
        public Input<SecretReplicationUserManagedReplicaCustomerManagedEncryptionArgs>? CustomerManagedEncryption { get; set; }

        [Input("location", required: true)]
        public Input<string> Location { get; set; } = null!;
    }

    public sealed class SecretReplicationUserManagedReplicaCustomerManagedEncryptionArgs : ResourceArgs
    {
        [Input("kmsKeyName", required: true)]
        public Input<string> KmsKeyName { get; set; } = null!;
    }
}
