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
    public Certificates(TenantConfig config, ComponentResourceOptions options)
        : base("tenant:infra:Certificates", "certificates", options)
    {
        (string Workload, string Host)[] hosts = [("api", config.ApiHost), ("ui", config.UiHost)];
        var authorizations = hosts
            .Select(host => new DnsAuthorization(
                host.Workload,
                new DnsAuthorizationArgs
                {
                    Name = config.Names.Certificate(host.Workload, host.Host),
                    Domain = host.Host,
                    Labels = config.Labels,
                },
                new CustomResourceOptions { Parent = this }
            ))
            .ToArray();
        Authorizations = [.. hosts.Zip(authorizations, (host, authorization) => (host.Workload, authorization))];

        var certificate = new Certificate(
            "certificate",
            new CertificateArgs
            {
                Name = config.Names.Certificate("tls", config.Platform.DnsDomain),
                Labels = config.Labels,
                Managed = new CertificateManagedArgs
                {
                    Domains = hosts.Select(host => host.Host).ToArray(),
                    DnsAuthorizations = authorizations.Select(authorization => authorization.Id).ToArray(),
                },
            },
            new CustomResourceOptions { Parent = this }
        );

        Map = new CertificateMap(
            "map",
            new CertificateMapArgs { Name = config.Names.Label("tls"), Labels = config.Labels },
            new CustomResourceOptions { Parent = this }
        );

        Entries =
        [
            .. hosts.Select(host => new CertificateMapEntry(
                host.Workload,
                new CertificateMapEntryArgs
                {
                    Name = config.Names.Certificate(host.Workload, host.Host),
                    Map = Map.Name,
                    Hostname = host.Host,
                    Certificates = { certificate.Id },
                    Labels = config.Labels,
                },
                new CustomResourceOptions { Parent = this }
            )),
        ];

        RegisterOutputs();
    }

    /// <summary>The authorizations whose records prove that the domains are ours.</summary>
    public ImmutableArray<(string Workload, DnsAuthorization Authorization)> Authorizations { get; }

    /// <summary>The map that the HTTPS proxy serves from.</summary>
    public CertificateMap Map { get; }

    /// <summary>One entry a host.</summary>
    public IReadOnlyList<CertificateMapEntry> Entries { get; }
}
