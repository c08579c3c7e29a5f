namespace Pulumi.Gcp.Iam
{
    public class WorkloadIdentityPool(string name, WorkloadIdentityPoolArgs args, CustomResourceOptions? options = null)
        : CustomResource("gcp:iam/workloadIdentityPool:WorkloadIdentityPool", name, args, options)
    {
        [Output("name")]
        public Output<string> Name { get; private set; } = null!;

        [Output("workloadIdentityPoolId")]
        public Output<string> WorkloadIdentityPoolId { get; private set; } = null!;
    }

    public sealed class WorkloadIdentityPoolArgs : ResourceArgs
    {
        [Input("workloadIdentityPoolId", required: true)]
        public Input<string> WorkloadIdentityPoolId { get; set; } = null!;
    }

    public class WorkloadIdentityPoolProvider(
        string name,
        WorkloadIdentityPoolProviderArgs args,
        CustomResourceOptions? options = null
    ) : CustomResource("gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider", name, args, options)
    {
        [Output("name")]
        public Output<string> Name { get; private set; } = null!;
    }

    public sealed class WorkloadIdentityPoolProviderArgs : ResourceArgs
    {
        [Input("attributeCondition")]
        public Input<string>? AttributeCondition { get; set; }

        [field: Input("attributeMapping")]
        public InputMap<string> AttributeMapping
        {
            get => field ??= new();
            set;
        }

        [Input("oidc")]
        public Input<Inputs.WorkloadIdentityPoolProviderOidcArgs>? Oidc { get; set; }

        [Input("workloadIdentityPoolId", required: true)]
        public Input<string> WorkloadIdentityPoolId { get; set; } = null!;

        [Input("workloadIdentityPoolProviderId", required: true)]
        public Input<string> WorkloadIdentityPoolProviderId { get; set; } = null!;
    }
}

namespace Pulumi.Gcp.Iam.Inputs
{
    public sealed class WorkloadIdentityPoolProviderOidcArgs : ResourceArgs
    {
        [Input("issuerUri", required: true)]
        public Input<string> IssuerUri { get; set; } = null!;
    }
}
