namespace Pulumi.Gcp.Compute
{
    public class BackendService(string name, BackendServiceArgs? args = null, CustomResourceOptions? options = null)
        : CustomResource("gcp:compute/backendService:BackendService", name, args, options);

    public sealed class BackendServiceArgs : ResourceArgs
    {
        [field: Input("customResponseHeaders")]
        public InputList<string> CustomResponseHeaders
        {
            get => field ??= new();
            set;
        }

        [field: Input("backends")]
        public InputList<Inputs.BackendServiceBackendArgs> Backends
        {
            get => field ??= new();
            set;
        }

        [Input("loadBalancingScheme")]
        public Input<string>? LoadBalancingScheme { get; set; }

        [Input("logConfig")]
        public Input<Inputs.BackendServiceLogConfigArgs>? LogConfig { get; set; }

        [Input("name")]
        public Input<string>? Name { get; set; }

        [Input("protocol")]
        public Input<string>? Protocol { get; set; }

        [Input("securityPolicy")]
        public Input<string>? SecurityPolicy { get; set; }
    }

    public class RegionNetworkEndpointGroup(
        string name,
        RegionNetworkEndpointGroupArgs args,
        CustomResourceOptions? options = null
    ) : CustomResource("gcp:compute/regionNetworkEndpointGroup:RegionNetworkEndpointGroup", name, args, options);

    public sealed class RegionNetworkEndpointGroupArgs : ResourceArgs
    {
        [Input("cloudRun")]
        public Input<Inputs.RegionNetworkEndpointGroupCloudRunArgs>? CloudRun { get; set; }

        [Input("name")]
        public Input<string>? Name { get; set; }

        [Input("networkEndpointType")]
        public Input<string>? NetworkEndpointType { get; set; }

        [Input("region", required: true)]
        public Input<string> Region { get; set; } = null!;
    }
}

namespace Pulumi.Gcp.Compute.Inputs
{
    public sealed class BackendServiceBackendArgs : ResourceArgs
    {
        [Input("group", required: true)]
        public Input<string> Group { get; set; } = null!;
    }

    public sealed class BackendServiceLogConfigArgs : ResourceArgs
    {
        [Input("enable")]
        public Input<bool>? Enable { get; set; }

        [Input("sampleRate")]
        public Input<double>? SampleRate { get; set; }
    }

    public sealed class RegionNetworkEndpointGroupCloudRunArgs : ResourceArgs
    {
        [Input("service")]
        public Input<string>? Service { get; set; }
    }
}
