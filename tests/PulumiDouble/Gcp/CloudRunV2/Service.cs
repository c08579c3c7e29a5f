namespace Pulumi.Gcp.CloudRunV2
{
    public class Service(string name, ServiceArgs args, CustomResourceOptions? options = null)
        : CustomResource("gcp:cloudrunv2/service:Service", name, args, options)
    {
        [Output("name")]
        public Output<string> Name { get; private set; } = null!;
    }

    public sealed class ServiceArgs : ResourceArgs
    {
        [Input("defaultUriDisabled")]
        public Input<bool>? DefaultUriDisabled { get; set; }

        [Input("deletionProtection")]
        public Input<bool>? DeletionProtection { get; set; }

        [Input("ingress")]
        public Input<string>? Ingress { get; set; }

        [Input("invokerIamDisabled")]
        public Input<bool>? InvokerIamDisabled { get; set; }

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

        [Input("template", required: true)]
        public Input<Inputs.ServiceTemplateArgs> Template { get; set; } = null!;

        [field: Input("traffics")]
        public InputList<Inputs.ServiceTrafficArgs> Traffics
        {
            get => field ??= new();
            set;
        }
    }
}

namespace Pulumi.Gcp.CloudRunV2.Inputs
{
    public sealed class ServiceTemplateArgs : ResourceArgs
    {
        [field: Input("volumes")]
        public InputList<ServiceTemplateVolumeArgs> Volumes
        {
            get => field ??= new();
            set;
        }

        [field: Input("containers")]
        public InputList<ServiceTemplateContainerArgs> Containers
        {
            get => field ??= new();
            set;
        }

        [Input("executionEnvironment")]
        public Input<string>? ExecutionEnvironment { get; set; }

        [field: Input("labels")]
        public InputMap<string> Labels
        {
            get => field ??= new();
            set;
        }

        [Input("maxInstanceRequestConcurrency")]
        public Input<int>? MaxInstanceRequestConcurrency { get; set; }

        [Input("scaling")]
        public Input<ServiceTemplateScalingArgs>? Scaling { get; set; }

        [Input("serviceAccount")]
        public Input<string>? ServiceAccount { get; set; }

        [Input("timeout")]
        public Input<string>? Timeout { get; set; }

        [Input("vpcAccess")]
        public Input<ServiceTemplateVpcAccessArgs>? VpcAccess { get; set; }
    }

    public sealed class ServiceTemplateScalingArgs : ResourceArgs
    {
        [Input("maxInstanceCount")]
        public Input<int>? MaxInstanceCount { get; set; }

        [Input("minInstanceCount")]
        public Input<int>? MinInstanceCount { get; set; }
    }

    public sealed class ServiceTemplateVpcAccessArgs : ResourceArgs
    {
        [Input("egress")]
        public Input<string>? Egress { get; set; }

        [field: Input("networkInterfaces")]
        public InputList<ServiceTemplateVpcAccessNetworkInterfaceArgs> NetworkInterfaces
        {
            get => field ??= new();
            set;
        }
    }

    public sealed class ServiceTemplateVpcAccessNetworkInterfaceArgs : ResourceArgs
    {
        [field: Input("tags")]
        public InputList<string> Tags
        {
            get => field ??= new();
            set;
        }

        [Input("network")]
        public Input<string>? Network { get; set; }

        [Input("subnetwork")]
        public Input<string>? Subnetwork { get; set; }
    }

    public sealed class ServiceTrafficArgs : ResourceArgs
    {
        [Input("percent")]
        public Input<int>? Percent { get; set; }

        [Input("type")]
        public Input<string>? Type { get; set; }
    }

    public sealed class ServiceTemplateVolumeArgs : ResourceArgs
    {
        [Input("name", required: true)]
        public Input<string> Name { get; set; } = null!;

        [Input("secret")]
        public Input<ServiceTemplateVolumeSecretArgs>? Secret { get; set; }
    }

    public sealed class ServiceTemplateVolumeSecretArgs : ResourceArgs
    {
        [field: Input("items")]
        public InputList<ServiceTemplateVolumeSecretItemArgs> Items
        {
            get => field ??= new();
            set;
        }

        [Input("secret", required: true)]
        public Input<string> Secret { get; set; } = null!;
    }

    public sealed class ServiceTemplateVolumeSecretItemArgs : ResourceArgs
    {
        [Input("path", required: true)]
        public Input<string> Path { get; set; } = null!;

        [Input("version")]
        public Input<string>? Version { get; set; }
    }
}
