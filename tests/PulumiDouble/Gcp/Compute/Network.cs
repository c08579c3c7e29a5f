namespace Pulumi.Gcp.Compute
{
    public class Firewall(string name, FirewallArgs args, CustomResourceOptions? options = null)
        : CustomResource("gcp:compute/firewall:Firewall", name, args, options);

    public sealed class FirewallArgs : ResourceArgs
    {
        [field: Input("allows")]
        public InputList<Inputs.FirewallAllowArgs> Allows
        {
            get => field ??= new();
            set;
        }

        [field: Input("denies")]
        public InputList<Inputs.FirewallDenyArgs> Denies
        {
            get => field ??= new();
            set;
        }

        [field: Input("destinationRanges")]
        public InputList<string> DestinationRanges
        {
            get => field ??= new();
            set;
        }

        [Input("direction")]
        public Input<string>? Direction { get; set; }

        [Input("name")]
        public Input<string>? Name { get; set; }

        [Input("network", required: true)]
        public Input<string> Network { get; set; } = null!;

        [Input("priority")]
        public Input<int>? Priority { get; set; }

        [Input("project")]
        public Input<string>? Project { get; set; }

        [field: Input("targetTags")]
        public InputList<string> TargetTags
        {
            get => field ??= new();
            set;
        }
    }

    public class Network(string name, NetworkArgs? args = null, CustomResourceOptions? options = null)
        : CustomResource("gcp:compute/network:Network", name, args, options)
    {
        [Output("name")]
        public Output<string> Name { get; private set; } = null!;
    }

    public sealed class NetworkArgs : ResourceArgs
    {
        [Input("autoCreateSubnetworks")]
        public Input<bool>? AutoCreateSubnetworks { get; set; }

        [Input("name")]
        public Input<string>? Name { get; set; }
    }

    public class Subnetwork(string name, SubnetworkArgs args, CustomResourceOptions? options = null)
        : CustomResource("gcp:compute/subnetwork:Subnetwork", name, args, options)
    {
        [Output("name")]
        public Output<string> Name { get; private set; } = null!;
    }

    public sealed class SubnetworkArgs : ResourceArgs
    {
        [Input("ipCidrRange")]
        public Input<string>? IpCidrRange { get; set; }

        [Input("name")]
        public Input<string>? Name { get; set; }

        [Input("network", required: true)]
        public Input<string> Network { get; set; } = null!;

        [Input("privateIpGoogleAccess")]
        public Input<bool>? PrivateIpGoogleAccess { get; set; }

        [Input("region")]
        public Input<string>? Region { get; set; }
    }
}

namespace Pulumi.Gcp.Compute.Inputs
{
    public sealed class FirewallAllowArgs : ResourceArgs
    {
        [field: Input("ports")]
        public InputList<string> Ports
        {
            get => field ??= new();
            set;
        }

        [Input("protocol", required: true)]
        public Input<string> Protocol { get; set; } = null!;
    }

    public sealed class FirewallDenyArgs : ResourceArgs
    {
        [Input("protocol", required: true)]
        public Input<string> Protocol { get; set; } = null!;
    }
}
