using Pulumi;
using Pulumi.Gcp.CloudRunV2;
using Pulumi.Gcp.Compute;
using Pulumi.Gcp.Compute.Inputs;

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

    /// <summary>Declares everything between the tenant's address and its args.Services.</summary>
    /// <param name="name">The part's name in the stack.</param>
    /// <param name="args">What it is made of.</param>
    /// <param name="options">The part's options.</param>
    public Edge(string name, EdgeArgs args, ComponentResourceOptions? options = null)
        : base("tenant:infra:Edge", name, options)
    {
        ArgumentNullException.ThrowIfNull(args);
        var child = new CustomResourceOptions { Parent = this };
        Address = Addressed(args, child);
        var armor = Armor.Declare(args, child);
        var api = Backend(args, "api", args.Services.Api, armor, child);
        var ui = Backend(args, "ui", args.Services.Ui, armor, child);
        UrlMap = Hosts(args, api, ui, child);
        var https = Https(args, Tls(args, child), child);
        var http = Http(args, Redirect(args, child), child);
        Forward(args, "https", https.Id, "443", child);
        Forward(args, "http", http.Id, "80", child);

        RegisterOutputs(new Dictionary<string, object?> { ["address"] = Address.Address, ["urlMap"] = UrlMap.Name });
    }

    /// <summary>The address that the tenant's names point at.</summary>
    public GlobalAddress Address { get; }

    /// <summary>Host rules of the tenant.</summary>
    public URLMap UrlMap { get; }

    static GlobalAddress Addressed(EdgeArgs args, CustomResourceOptions child) =>
        new(
            "address",
            new GlobalAddressArgs
            {
                Name = args.Tenant.Names.Label("edge"),
                AddressType = "EXTERNAL",
                IpVersion = "IPV4",
                Labels = args.Tenant.Labels,
            },
            child
        );

    static URLMap Hosts(EdgeArgs args, BackendService api, BackendService ui, CustomResourceOptions child) =>
        new(
            "hosts",
            new URLMapArgs
            {
                Name = args.Tenant.Names.Label("edge"),
                // A request for any other host is no tenant's: it is sent to the user interface's name and never served
                // under its own.
                DefaultUrlRedirect = new URLMapDefaultUrlRedirectArgs
                {
                    HostRedirect = args.Tenant.UiHost,
                    PathRedirect = "/",
                    HttpsRedirect = true,
                    RedirectResponseCode = "FOUND",
                    StripQuery = true,
                },
                HostRules = { HostRule("api", args.Tenant.ApiHost), HostRule("ui", args.Tenant.UiHost) },
                PathMatchers = { PathMatcher("api", api), PathMatcher("ui", ui) },
                // The API refuses a map that fails its own tests.
                Tests = { Test(args.Tenant.ApiHost, api), Test(args.Tenant.UiHost, ui) },
            },
            child
        );

    static SSLPolicy Tls(EdgeArgs args, CustomResourceOptions child) =>
        new(
            "tls",
            new SSLPolicyArgs
            {
                Name = args.Tenant.Names.Label("tls"),
                MinTlsVersion = "TLS_1_2",
                Profile = args.TlsProfile,
            },
            child
        );

    TargetHttpsProxy Https(EdgeArgs args, SSLPolicy tls, CustomResourceOptions child) =>
        new(
            "https",
            new TargetHttpsProxyArgs
            {
                Name = args.Tenant.Names.Label("https"),
                UrlMap = UrlMap.Id,
                SslPolicy = tls.Id,
                CertificateMap = Output.Format($"//certificatemanager.googleapis.com/{args.Certificates.Map.Id}"),
            },
            CustomResourceOptions.Merge(
                child,
                new CustomResourceOptions { DependsOn = args.Certificates.Entries.ToArray<Resource>() }
            )
        );

    static URLMap Redirect(EdgeArgs args, CustomResourceOptions child) =>
        new(
            "redirect",
            new URLMapArgs
            {
                Name = args.Tenant.Names.Label("redirect"),
                DefaultUrlRedirect = new URLMapDefaultUrlRedirectArgs
                {
                    HttpsRedirect = true,
                    RedirectResponseCode = "MOVED_PERMANENTLY_DEFAULT",
                    StripQuery = false,
                },
            },
            child
        );

    static TargetHttpProxy Http(EdgeArgs args, URLMap redirect, CustomResourceOptions child) =>
        new("http", new TargetHttpProxyArgs { Name = args.Tenant.Names.Label("http"), UrlMap = redirect.Id }, child);

    void Forward(EdgeArgs args, string kind, Output<string> proxy, string port, CustomResourceOptions options) =>
        _ = new GlobalForwardingRule(
            kind,
            new GlobalForwardingRuleArgs
            {
                Name = args.Tenant.Names.Label(kind),
                LoadBalancingScheme = Scheme,
                IpAddress = Address.Address,
                IpProtocol = "TCP",
                PortRange = port,
                Target = proxy,
                Labels = args.Tenant.Labels,
            },
            options
        );

    static BackendService Backend(
        EdgeArgs args,
        string workload,
        Service service,
        SecurityPolicy armor,
        CustomResourceOptions options
    )
    {
        var group = Group(args, workload, service, options);
        // No health check: a serverless backend takes none, and the API refuses one.
        return new BackendService(
            workload,
            new BackendServiceArgs
            {
                Name = args.Tenant.Names.Label(workload),
                LoadBalancingScheme = Scheme,
                Protocol = "HTTPS",
                SecurityPolicy = armor.Id,
                Backends = { new BackendServiceBackendArgs { Group = group.Id } },
                LogConfig = new BackendServiceLogConfigArgs { Enable = true, SampleRate = 1.0 },
                CustomResponseHeaders = { "Strict-Transport-Security: max-age=31536000" },
            },
            options
        );
    }

    static RegionNetworkEndpointGroup Group(
        EdgeArgs args,
        string workload,
        Service service,
        CustomResourceOptions options
    ) =>
        new(
            workload,
            new RegionNetworkEndpointGroupArgs
            {
                Name = args.Tenant.Names.Label(workload),
                Region = args.Tenant.Platform.Region,
                NetworkEndpointType = "SERVERLESS",
                CloudRun = new RegionNetworkEndpointGroupCloudRunArgs { Service = service.Name },
            },
            options
        );

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

/// <summary>What <see cref="Edge"/> is made of.</summary>
/// <param name="Tenant">The tenant.</param>
/// <param name="Services">What the load balancer leads to.</param>
/// <param name="Certificates">What it proves itself with.</param>
/// <param name="TlsProfile">SSL policy profile.</param>
/// <param name="WafSensitivity">OWASP paranoia level of the preconfigured rules, 1 to 4.</param>
/// <param name="WafEnforced">Whether WAF rules refuse requests, or only say that they would.</param>
/// <param name="WafExclusions">Ids of signatures that are left out.</param>
/// <param name="RequestsPerMinute">Requests a minute that one client address may send.</param>
public sealed record EdgeArgs(
    Tenant Tenant,
    Services Services,
    Certificates Certificates,
    string TlsProfile,
    int WafSensitivity,
    bool WafEnforced,
    IReadOnlyList<string> WafExclusions,
    int RequestsPerMinute
);
