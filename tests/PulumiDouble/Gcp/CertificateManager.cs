using System.Collections.Immutable;

namespace Pulumi.Gcp.CertificateManager
{
    public class Certificate(string name, CertificateArgs? args = null, CustomResourceOptions? options = null)
        : CustomResource("gcp:certificatemanager/certificate:Certificate", name, args, options);

    public sealed class CertificateArgs : ResourceArgs
    {
        [field: Input("labels")]
        public InputMap<string> Labels
        {
            get => field ??= new();
            set;
        }

        [Input("managed")]
        public Input<Inputs.CertificateManagedArgs>? Managed { get; set; }

        [Input("name")]
        public Input<string>? Name { get; set; }
    }

    public class CertificateMap(string name, CertificateMapArgs? args = null, CustomResourceOptions? options = null)
        : CustomResource("gcp:certificatemanager/certificateMap:CertificateMap", name, args, options)
    {
        [Output("name")]
        public Output<string> Name { get; private set; } = null!;
    }

    public sealed class CertificateMapArgs : ResourceArgs
    {
        [field: Input("labels")]
        public InputMap<string> Labels
        {
            get => field ??= new();
            set;
        }

        [Input("name")]
        public Input<string>? Name { get; set; }
    }

    public class CertificateMapEntry(string name, CertificateMapEntryArgs args, CustomResourceOptions? options = null)
        : CustomResource("gcp:certificatemanager/certificateMapEntry:CertificateMapEntry", name, args, options);

    public sealed class CertificateMapEntryArgs : ResourceArgs
    {
        [field: Input("certificates", required: true)]
        public InputList<string> Certificates
        {
            get => field ??= new();
            set;
        }

        [Input("hostname")]
        public Input<string>? Hostname { get; set; }

        [field: Input("labels")]
        public InputMap<string> Labels
        {
            get => field ??= new();
            set;
        }

        [Input("map", required: true)]
        public Input<string> Map { get; set; } = null!;

        [Input("name")]
        public Input<string>? Name { get; set; }
    }

    public class DnsAuthorization(string name, DnsAuthorizationArgs args, CustomResourceOptions? options = null)
        : CustomResource("gcp:certificatemanager/dnsAuthorization:DnsAuthorization", name, args, options)
    {
        [Output("dnsResourceRecords")]
        public Output<ImmutableArray<Outputs.DnsAuthorizationDnsResourceRecord>> DnsResourceRecords
        {
            get;
            private set;
        } = null!;
    }

    public sealed class DnsAuthorizationArgs : ResourceArgs
    {
        [Input("domain", required: true)]
        public Input<string> Domain { get; set; } = null!;

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

namespace Pulumi.Gcp.CertificateManager.Inputs
{
    public sealed class CertificateManagedArgs : ResourceArgs
    {
        [field: Input("dnsAuthorizations")]
        public InputList<string> DnsAuthorizations
        {
            get => field ??= new();
            set;
        }

        [field: Input("domains")]
        public InputList<string> Domains
        {
            get => field ??= new();
            set;
        }
    }
}

namespace Pulumi.Gcp.CertificateManager.Outputs
{
    [OutputType]
    public sealed class DnsAuthorizationDnsResourceRecord
    {
        public readonly string? Data;

        public readonly string? Name;

        public readonly string? Type;

        [OutputConstructor]
        DnsAuthorizationDnsResourceRecord(string? data, string? name, string? type)
        {
            Data = data;
            Name = name;
            Type = type;
        }
    }
}
