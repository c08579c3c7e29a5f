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

    public class SecurityPolicy(string name, SecurityPolicyArgs? args = null, CustomResourceOptions? options = null)
        : CustomResource("gcp:compute/securityPolicy:SecurityPolicy", name, args, options);

    public sealed class SecurityPolicyArgs : ResourceArgs
    {
        [Input("advancedOptionsConfig")]
        public Input<Inputs.SecurityPolicyAdvancedOptionsConfigArgs>? AdvancedOptionsConfig { get; set; }

        [field: Input("labels")]
        public InputMap<string> Labels
        {
            get => field ??= new();
            set;
        }

        [Input("name")]
        public Input<string>? Name { get; set; }

        [field: Input("rules")]
        public InputList<Inputs.SecurityPolicyRuleArgs> Rules
        {
            get => field ??= new();
            set;
        }

        [Input("type")]
        public Input<string>? Type { get; set; }
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

    public class URLMap(string name, URLMapArgs? args = null, CustomResourceOptions? options = null)
        : CustomResource("gcp:compute/uRLMap:URLMap", name, args, options)
    {
        [Output("name")]
        public Output<string> Name { get; private set; } = null!;
    }

    public sealed class URLMapArgs : ResourceArgs
    {
        [Input("defaultUrlRedirect")]
        public Input<Inputs.URLMapDefaultUrlRedirectArgs>? DefaultUrlRedirect { get; set; }

        [field: Input("hostRules")]
        public InputList<Inputs.URLMapHostRuleArgs> HostRules
        {
            get => field ??= new();
            set;
        }

        [Input("name")]
        public Input<string>? Name { get; set; }

        [field: Input("pathMatchers")]
        public InputList<Inputs.URLMapPathMatcherArgs> PathMatchers
        {
            get => field ??= new();
            set;
        }

        [field: Input("tests")]
        public InputList<Inputs.URLMapTestArgs> Tests
        {
            get => field ??= new();
            set;
        }
    }

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

    public sealed class SecurityPolicyAdvancedOptionsConfigArgs : ResourceArgs
    {
        [Input("jsonParsing")]
        public Input<string>? JsonParsing { get; set; }

        [Input("logLevel")]
        public Input<string>? LogLevel { get; set; }
    }

    public sealed class SecurityPolicyRuleArgs : ResourceArgs
    {
        [Input("preview")]
        public Input<bool>? Preview { get; set; }

        [Input("action", required: true)]
        public Input<string> Action { get; set; } = null!;

        [Input("description")]
        public Input<string>? Description { get; set; }

        [Input("match", required: true)]
        public Input<SecurityPolicyRuleMatchArgs> Match { get; set; } = null!;

        [Input("priority", required: true)]
        public Input<int> Priority { get; set; } = null!;

        [Input("rateLimitOptions")]
        public Input<SecurityPolicyRuleRateLimitOptionsArgs>? RateLimitOptions { get; set; }
    }

    public sealed class SecurityPolicyRuleMatchArgs : ResourceArgs
    {
        [Input("config")]
        public Input<SecurityPolicyRuleMatchConfigArgs>? Config { get; set; }

        [Input("expr")]
        public Input<SecurityPolicyRuleMatchExprArgs>? Expr { get; set; }

        [Input("versionedExpr")]
        public Input<string>? VersionedExpr { get; set; }
    }

    public sealed class SecurityPolicyRuleMatchConfigArgs : ResourceArgs
    {
        [field: Input("srcIpRanges")]
        public InputList<string> SrcIpRanges
        {
            get => field ??= new();
            set;
        }
    }

    public sealed class SecurityPolicyRuleMatchExprArgs : ResourceArgs
    {
        [Input("expression", required: true)]
        public Input<string> Expression { get; set; } = null!;
    }

    public sealed class SecurityPolicyRuleRateLimitOptionsArgs : ResourceArgs
    {
        [Input("conformAction")]
        public Input<string>? ConformAction { get; set; }

        [Input("enforceOnKey")]
        public Input<string>? EnforceOnKey { get; set; }

        [Input("exceedAction")]
        public Input<string>? ExceedAction { get; set; }

        [Input("rateLimitThreshold")]
        public Input<SecurityPolicyRuleRateLimitOptionsRateLimitThresholdArgs>? RateLimitThreshold { get; set; }
    }

    public sealed class SecurityPolicyRuleRateLimitOptionsRateLimitThresholdArgs : ResourceArgs
    {
        [Input("count")]
        public Input<int>? Count { get; set; }

        [Input("intervalSec")]
        public Input<int>? IntervalSec { get; set; }
    }

    public sealed class URLMapDefaultUrlRedirectArgs : ResourceArgs
    {
        [Input("hostRedirect")]
        public Input<string>? HostRedirect { get; set; }

        [Input("httpsRedirect")]
        public Input<bool>? HttpsRedirect { get; set; }

        [Input("pathRedirect")]
        public Input<string>? PathRedirect { get; set; }

        [Input("redirectResponseCode")]
        public Input<string>? RedirectResponseCode { get; set; }

        [Input("stripQuery", required: true)]
        public Input<bool> StripQuery { get; set; } = null!;
    }

    public sealed class URLMapHostRuleArgs : ResourceArgs
    {
        [field: Input("hosts", required: true)]
        public InputList<string> Hosts
        {
            get => field ??= new();
            set;
        }

        [Input("pathMatcher", required: true)]
        public Input<string> PathMatcher { get; set; } = null!;
    }

    public sealed class URLMapPathMatcherArgs : ResourceArgs
    {
        [Input("defaultService")]
        public Input<string>? DefaultService { get; set; }

        [Input("name", required: true)]
        public Input<string> Name { get; set; } = null!;
    }

    public sealed class URLMapTestArgs : ResourceArgs
    {
        [Input("host", required: true)]
        public Input<string> Host { get; set; } = null!;

        [Input("path", required: true)]
        public Input<string> Path { get; set; } = null!;

        [Input("service")]
        public Input<string>? Service { get; set; }
    }

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
