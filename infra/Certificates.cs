using System.Collections.Immutable;
using Pulumi;
using Pulumi.Gcp.CertificateManager;
using Pulumi.Gcp.CertificateManager.Inputs;

namespace Infra;

/// <summary>
/// The tenant's certificate, proven by DNS and bound to the proxy through a
/// <see href="https://cloud.google.com/certificate-manager/docs/maps">certificate map</see>: it is valid before the
/// first request arrives, and can be replaced while the proxy serves.
/// </summary>
public sealed class Certificates : ComponentResource
{
    /// <summary>Declares the authorizations, the certificate and the map.</summary>
    /// <param name="name">The part's name in the stack.</param>
    /// <param name="args">What it is made of.</param>
    /// <param name="options">The part's options.</param>
    public Certificates(string name, CertificatesArgs args, ComponentResourceOptions? options = null)
        : base("tenant:infra:Certificates", name, options)
    {
        ArgumentNullException.ThrowIfNull(args);
        (string Workload, string Host)[] hosts = [("api", args.Tenant.ApiHost), ("ui", args.Tenant.UiHost)];
        var authorizations = hosts.Select(host => Authorize(args, host.Workload, host.Host)).ToArray();
        Authorizations = [.. hosts.Zip(authorizations, (host, authorization) => (host.Workload, authorization))];

        var certificate = Managed(args, authorizations);

        Map = new CertificateMap(
            "map",
            new CertificateMapArgs { Name = args.Tenant.Names.Label("tls"), Labels = args.Tenant.Labels },
            new CustomResourceOptions { Parent = this }
        );

        Entries = [.. hosts.Select(host => Entry(args, host.Workload, host.Host, certificate))];

        RegisterOutputs(new Dictionary<string, object?> { ["map"] = Map.Id });
    }

    /// <summary>The authorizations whose records prove that the domains are ours.</summary>
    public ImmutableArray<(string Workload, DnsAuthorization Authorization)> Authorizations { get; }

    /// <summary>The map that the HTTPS proxy serves from.</summary>
    public CertificateMap Map { get; }

    /// <summary>One entry a host.</summary>
    public IReadOnlyList<CertificateMapEntry> Entries { get; }

    DnsAuthorization Authorize(CertificatesArgs args, string workload, string host) =>
        new(
            workload,
            new DnsAuthorizationArgs
            {
                Name = args.Tenant.Names.Certificate(workload, host),
                Domain = host,
                Labels = args.Tenant.Labels,
            },
            new CustomResourceOptions { Parent = this }
        );

    Certificate Managed(CertificatesArgs args, DnsAuthorization[] authorizations) =>
        new(
            "certificate",
            new CertificateArgs
            {
                Name = args.Tenant.Names.Certificate("tls", args.Tenant.Platform.DnsDomain),
                Labels = args.Tenant.Labels,
                Managed = new CertificateManagedArgs
                {
                    Domains = (string[])[args.Tenant.ApiHost, args.Tenant.UiHost],
                    DnsAuthorizations = authorizations.Select(authorization => authorization.Id).ToArray(),
                },
            },
            new CustomResourceOptions { Parent = this }
        );

    CertificateMapEntry Entry(CertificatesArgs args, string workload, string host, Certificate certificate) =>
        new(
            workload,
            new CertificateMapEntryArgs
            {
                Name = args.Tenant.Names.Certificate(workload, host),
                Map = Map.Name,
                Hostname = host,
                Certificates = { certificate.Id },
                Labels = args.Tenant.Labels,
            },
            new CustomResourceOptions { Parent = this }
        );
}

/// <summary>What <see cref="Certificates"/> are made of.</summary>
/// <param name="Tenant">The tenant.</param>
public sealed record CertificatesArgs(Tenant Tenant);
