using Pulumi;
using Pulumi.Gcp.CloudRunV2;
using Pulumi.Gcp.Compute;
using Pulumi.Gcp.Compute.Inputs;
using SecurityPolicyRuleArgs = Pulumi.Gcp.Compute.Inputs.SecurityPolicyRuleArgs;

namespace Infra;

/// <summary>
/// The tenant's own
/// <see href="https://cloud.google.com/load-balancing/docs/https/setup-global-ext-https-serverless">global external
/// application load balancer</see>. A URL map is one resource: only with a load balancer of its own do a tenant's
/// rules, certificate and names belong to one stack and go away with it.
/// </summary>
public sealed class Edge : ComponentResource
{
    const string Scheme = "EXTERNAL_MANAGED";

    // OWASP core rule set 3.3, without method enforcement: it knows GET and POST, and an API also puts, patches and
    // deletes.
    // https://cloud.google.com/armor/docs/waf-rules
    static readonly string[] WafRules =
    [
        "sqli-v33-stable",
        "xss-v33-stable",
        "lfi-v33-stable",
        "rfi-v33-stable",
        "rce-v33-stable",
        "scannerdetection-v33-stable",
        "protocolattack-v33-stable",
        "sessionfixation-v33-stable",
    ];

    /// <summary>Declares everything between the tenant's address and its services.</summary>
    public Edge(TenantConfig config, Services services, Certificates certificates, ComponentResourceOptions options)
        : base("tenant:infra:Edge", "edge", options)
    {
        var child = new CustomResourceOptions { Parent = this };

        Address = new GlobalAddress(
            "address",
            new GlobalAddressArgs
            {
                Name = config.Names.Label("edge"),
                AddressType = "EXTERNAL",
                IpVersion = "IPV4",
                Labels = config.Labels,
            },
            child
        );

        var armor = Armor(config, child);
        var api = Backend(config, "api", services.Api, armor, child);
        var ui = Backend(config, "ui", services.Ui, armor, child);

        UrlMap = new URLMap(
            "hosts",
            new URLMapArgs
            {
                Name = config.Names.Label("edge"),
                // A request for any other host is no tenant's: it is sent to the user interface's name and never served
                // under its own.
                DefaultUrlRedirect = new URLMapDefaultUrlRedirectArgs
                {
                    HostRedirect = config.UiHost,
                    PathRedirect = "/",
                    HttpsRedirect = true,
                    RedirectResponseCode = "FOUND",
                    StripQuery = true,
                },
                HostRules = { HostRule("api", config.ApiHost), HostRule("ui", config.UiHost) },
                PathMatchers = { PathMatcher("api", api), PathMatcher("ui", ui) },
                // The API refuses a map that fails its own tests.
                Tests = { Test(config.ApiHost, api), Test(config.UiHost, ui) },
            },
            child
        );

        var tls = new SSLPolicy(
            "tls",
            new SSLPolicyArgs
            {
                Name = config.Names.Label("tls"),
                MinTlsVersion = "TLS_1_2",
                Profile = config.Tier.TlsProfile,
            },
            child
        );

        var https = new TargetHttpsProxy(
            "https",
            new TargetHttpsProxyArgs
            {
                Name = config.Names.Label("https"),
                UrlMap = UrlMap.Id,
                SslPolicy = tls.Id,
                CertificateMap = Output.Format($"//certificatemanager.googleapis.com/{certificates.Map.Id}"),
            },
            CustomResourceOptions.Merge(
                child,
                new CustomResourceOptions { DependsOn = certificates.Entries.ToArray<Resource>() }
            )
        );

        var redirect = new URLMap(
            "redirect",
            new URLMapArgs
            {
                Name = config.Names.Label("redirect"),
                DefaultUrlRedirect = new URLMapDefaultUrlRedirectArgs
                {
                    HttpsRedirect = true,
                    RedirectResponseCode = "MOVED_PERMANENTLY_DEFAULT",
                    StripQuery = false,
                },
            },
            child
        );

        var http = new TargetHttpProxy(
            "http",
            new TargetHttpProxyArgs { Name = config.Names.Label("http"), UrlMap = redirect.Id },
            child
        );

        Forward(config, "https", https.Id, "443", child);
        Forward(config, "http", http.Id, "80", child);

        RegisterOutputs();
    }

    /// <summary>The address that the tenant's names point at.</summary>
    public GlobalAddress Address { get; }

    /// <summary>Host rules of the tenant.</summary>
    public URLMap UrlMap { get; }

    void Forward(TenantConfig config, string kind, Output<string> proxy, string port, CustomResourceOptions options) =>
        _ = new GlobalForwardingRule(
            kind,
            new GlobalForwardingRuleArgs
            {
                Name = config.Names.Label(kind),
                LoadBalancingScheme = Scheme,
                IpAddress = Address.Address,
                IpProtocol = "TCP",
                PortRange = port,
                Target = proxy,
                Labels = config.Labels,
            },
            options
        );

    static BackendService Backend(
        TenantConfig config,
        string workload,
        Service service,
        SecurityPolicy armor,
        CustomResourceOptions options
    )
    {
        var group = new RegionNetworkEndpointGroup(
            workload,
            new RegionNetworkEndpointGroupArgs
            {
                Name = config.Names.Label(workload),
                Region = config.Platform.Region,
                NetworkEndpointType = "SERVERLESS",
                CloudRun = new RegionNetworkEndpointGroupCloudRunArgs { Service = service.Name },
            },
            options
        );

        // No health check: a serverless backend takes none, and the API refuses one.
        return new BackendService(
            workload,
            new BackendServiceArgs
            {
                Name = config.Names.Label(workload),
                LoadBalancingScheme = Scheme,
                Protocol = "HTTPS",
                SecurityPolicy = armor.Id,
                Backends = { new BackendServiceBackendArgs { Group = group.Id } },
                LogConfig = new BackendServiceLogConfigArgs { Enable = true, SampleRate = 1.0 },
            },
            options
        );
    }

    /// <summary>
    /// Rules are tried from the lowest priority upwards and the first that matches decides. Throttling ends with
    /// "allow" below its limit, so it comes after the rules that refuse attacks.
    /// See <see href="https://cloud.google.com/armor/docs/security-policy-overview#eval-order">evaluation order</see>.
    /// </summary>
    static SecurityPolicy Armor(TenantConfig config, CustomResourceOptions options)
    {
        var sensitivity = config.Tier.WafSensitivity;
        var rules = WafRules
            .Select(
                (rule, index) =>
                    new SecurityPolicyRuleArgs
                    {
                        Priority = 1000 + (index * 10),
                        Action = "deny(403)",
                        Description = rule,
                        Match = new SecurityPolicyRuleMatchArgs
                        {
                            Expr = new SecurityPolicyRuleMatchExprArgs
                            {
                                Expression = $"evaluatePreconfiguredWaf('{rule}', {{'sensitivity': {sensitivity}}})",
                            },
                        },
                    }
            )
            .ToList();

        rules.Add(
            new SecurityPolicyRuleArgs
            {
                Priority = 9000,
                Action = "throttle",
                Description = "requests a minute of one address",
                Match = Everybody(),
                RateLimitOptions = new SecurityPolicyRuleRateLimitOptionsArgs
                {
                    ConformAction = "allow",
                    ExceedAction = "deny(429)",
                    EnforceOnKey = "IP",
                    RateLimitThreshold = new SecurityPolicyRuleRateLimitOptionsRateLimitThresholdArgs
                    {
                        Count = config.Tier.RequestsPerMinute,
                        IntervalSec = 60,
                    },
                },
            }
        );
        rules.Add(
            new SecurityPolicyRuleArgs
            {
                Priority = int.MaxValue,
                Action = "allow",
                Description = "default",
                Match = Everybody(),
            }
        );

        return new SecurityPolicy(
            "armor",
            new SecurityPolicyArgs
            {
                Name = config.Names.Label("armor"),
                Type = "CLOUD_ARMOR",
                Labels = config.Labels,
                AdvancedOptionsConfig = new SecurityPolicyAdvancedOptionsConfigArgs
                {
                    JsonParsing = "STANDARD",
                    LogLevel = "NORMAL",
                },
                Rules = rules.Select(rule => (Input<SecurityPolicyRuleArgs>)rule).ToArray(),
            },
            options
        );
    }

    static SecurityPolicyRuleMatchArgs Everybody() =>
        new()
        {
            VersionedExpr = "SRC_IPS_V1",
            Config = new SecurityPolicyRuleMatchConfigArgs { SrcIpRanges = { "*" } },
        };

    static URLMapHostRuleArgs HostRule(string workload, string host) =>
        new() { Hosts = { host }, PathMatcher = workload };

    static URLMapPathMatcherArgs PathMatcher(string workload, BackendService backend) =>
        new() { Name = workload, DefaultService = backend.Id };

    static URLMapTestArgs Test(string host, BackendService backend) =>
        new()
        {
            Host = host,
            Path = "/",
            Service = backend.Id,
        };
}
