namespace Pulumi.Gcp.Compute;

public class GlobalAddress(string name, GlobalAddressArgs? args = null, CustomResourceOptions? options = null)
    : CustomResource("gcp:compute/globalAddress:GlobalAddress", name, args, options)
{
    [Output("name")]
    public Output<string> Name { get; private set; } = null!;

    [Output("address")]
    public Output<string> Address { get; private set; } = null!;
}

public sealed class GlobalAddressArgs : ResourceArgs
{
    [Input("network")]
    public Input<string>? Network { get; set; }

    [Input("prefixLength")]
    public Input<int>? PrefixLength { get; set; }

    [Input("purpose")]
    public Input<string>? Purpose { get; set; }

    [Input("addressType")]
    public Input<string>? AddressType { get; set; }

    [Input("ipVersion")]
    public Input<string>? IpVersion { get; set; }

    [field: Input("labels")]
    public InputMap<string> Labels
    {
        get => field ??= new();
        set;
    }

    [Input("name")]
    public Input<string>? Name { get; set; }
}

public class GlobalForwardingRule(string name, GlobalForwardingRuleArgs args, CustomResourceOptions? options = null)
    : CustomResource("gcp:compute/globalForwardingRule:GlobalForwardingRule", name, args, options);

public sealed class GlobalForwardingRuleArgs : ResourceArgs
{
    [Input("ipAddress")]
    public Input<string>? IpAddress { get; set; }

    [Input("ipProtocol")]
    public Input<string>? IpProtocol { get; set; }

    [field: Input("labels")]
    public InputMap<string> Labels
    {
        get => field ??= new();
        set;
    }

    [Input("loadBalancingScheme")]
    public Input<string>? LoadBalancingScheme { get; set; }

    [Input("name")]
    public Input<string>? Name { get; set; }

    [Input("portRange")]
    public Input<string>? PortRange { get; set; }

    [Input("target", required: true)]
    public Input<string> Target { get; set; } = null!;
}

public class SSLPolicy(string name, SSLPolicyArgs? args = null, CustomResourceOptions? options = null)
    : CustomResource("gcp:compute/sSLPolicy:SSLPolicy", name, args, options);

public sealed class SSLPolicyArgs : ResourceArgs
{
    [Input("minTlsVersion")]
    public Input<string>? MinTlsVersion { get; set; }

    [Input("name")]
    public Input<string>? Name { get; set; }

    [Input("profile")]
    public Input<string>? Profile { get; set; }
}

public class TargetHttpProxy(string name, TargetHttpProxyArgs args, CustomResourceOptions? options = null)
    : CustomResource("gcp:compute/targetHttpProxy:TargetHttpProxy", name, args, options);

public sealed class TargetHttpProxyArgs : ResourceArgs
{
    [Input("name")]
    public Input<string>? Name { get; set; }

    [Input("urlMap", required: true)]
    public Input<string> UrlMap { get; set; } = null!;
}

public class TargetHttpsProxy(string name, TargetHttpsProxyArgs args, CustomResourceOptions? options = null)
    : CustomResource("gcp:compute/targetHttpsProxy:TargetHttpsProxy", name, args, options);

public sealed class TargetHttpsProxyArgs : ResourceArgs
{
    [Input("certificateMap")]
    public Input<string>? CertificateMap { get; set; }

    [Input("name")]
    public Input<string>? Name { get; set; }

    [Input("sslPolicy")]
    public Input<string>? SslPolicy { get; set; }

    [Input("urlMap", required: true)]
    public Input<string> UrlMap { get; set; } = null!;
}
