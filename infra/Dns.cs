using Pulumi;
using Pulumi.Gcp.CertificateManager;
using Pulumi.Gcp.Dns;

namespace Infra;

/// <summary>
/// The tenant's names in the platform's zone: one address record a host, and the records that prove the certificate's
/// domains. A record set is authoritative for its name and type only, so that the zone's other names are nobody's
/// business here.
/// </summary>
public sealed class Dns : ComponentResource
{
    // Short enough that going back to the shared environment takes minutes.
    const int Ttl = 300;

    /// <summary>Declares the records.</summary>
    /// <param name="name">The part's name in the stack.</param>
    /// <param name="args">What it is made of.</param>
    /// <param name="options">The part's options.</param>
    public Dns(string name, DnsArgs args, ComponentResourceOptions? options = null)
        : base("tenant:infra:Dns", name, options)
    {
        ArgumentNullException.ThrowIfNull(args);
        Address("api", args.Tenant.ApiHost, args);
        Address("ui", args.Tenant.UiHost, args);

        foreach (var (workload, authorization) in args.Authorizations)
        {
            var record = authorization.DnsResourceRecords.Apply(records => records[0]);
            _ = new RecordSet(
                $"{workload}-authorization",
                new RecordSetArgs
                {
                    ManagedZone = args.Tenant.Platform.DnsZone,
                    Name = record.Apply(value => value.Name!),
                    Type = record.Apply(value => value.Type!),
                    Ttl = Ttl,
                    Rrdatas = { record.Apply(value => value.Data!) },
                },
                new CustomResourceOptions { Parent = this }
            );
        }

        RegisterOutputs(
            new Dictionary<string, object?> { ["hosts"] = new[] { args.Tenant.ApiHost, args.Tenant.UiHost } }
        );
    }

    void Address(string workload, string host, DnsArgs args) =>
        _ = new RecordSet(
            workload,
            new RecordSetArgs
            {
                ManagedZone = args.Tenant.Platform.DnsZone,
                Name = $"{host}.",
                Type = "A",
                Ttl = Ttl,
                Rrdatas = { args.Address },
            },
            new CustomResourceOptions { Parent = this }
        );
}

/// <summary>What <see cref="Dns"/> is made of.</summary>
/// <param name="Tenant">The tenant.</param>
/// <param name="Address">The load balancer's address.</param>
/// <param name="Authorizations">What proves the certificate's domains.</param>
public sealed record DnsArgs(
    Tenant Tenant,
    Output<string> Address,
    IReadOnlyList<(string Workload, DnsAuthorization Authorization)> Authorizations
);
