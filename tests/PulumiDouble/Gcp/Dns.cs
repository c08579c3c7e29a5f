namespace Pulumi.Gcp.Dns
{
    public class RecordSet(string name, RecordSetArgs args, CustomResourceOptions? options = null)
        : CustomResource("gcp:dns/recordSet:RecordSet", name, args, options);

    public sealed class RecordSetArgs : ResourceArgs
    {
        [Input("managedZone", required: true)]
        public Input<string> ManagedZone { get; set; } = null!;

        [Input("name", required: true)]
        public Input<string> Name { get; set; } = null!;

        [field: Input("rrdatas")]
        public InputList<string> Rrdatas
        {
            get => field ??= new();
            set;
        }

        [Input("ttl")]
        public Input<int>? Ttl { get; set; }

        [Input("type", required: true)]
        public Input<string> Type { get; set; } = null!;
    }

    public class ManagedZone(string name, ManagedZoneArgs args, CustomResourceOptions? options = null)
        : CustomResource("gcp:dns/managedZone:ManagedZone", name, args, options)
    {
        [Output("name")]
        public Output<string> Name { get; private set; } = null!;
    }

    public sealed class ManagedZoneArgs : ResourceArgs
    {
        [Input("description")]
        public Input<string>? Description { get; set; }

        [Input("dnsName", required: true)]
        public Input<string> DnsName { get; set; } = null!;

        [Input("dnssecConfig")]
        public Input<Inputs.ManagedZoneDnssecConfigArgs>? DnssecConfig { get; set; }

        [field: Input("labels")]
        public InputMap<string> Labels
        {
            get => field ??= new();
            set;
        }

        [Input("name")]
        public Input<string>? Name { get; set; }
    }
}

namespace Pulumi.Gcp.Dns.Inputs
{
    public sealed class ManagedZoneDnssecConfigArgs : ResourceArgs
    {
        [Input("state")]
        public Input<string>? State { get; set; }
    }
}
