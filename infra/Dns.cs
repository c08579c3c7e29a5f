using Pulumi;
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
    public Dns(TenantConfig config, Edge edge, Certificates certificates, ComponentResourceOptions options)
        : base("tenant:infra:Dns", "dns", options)
    {
        Address(config, "api", config.ApiHost, edge);
        Address(config, "ui", config.UiHost, edge);

        foreach (var (workload, authorization) in certificates.Authorizations)
        {
            var record = authorization.DnsResourceRecords.Apply(records => records[0]);
            _ = new RecordSet(
                $"{workload}-authorization",
                new RecordSetArgs
                {
                    ManagedZone = config.Platform.DnsZone,
                    Name = record.Apply(value => value.Name!),
                    Type = record.Apply(value => value.Type!),
                    Ttl = Ttl,
                    Rrdatas = { record.Apply(value => value.Data!) },
                },
                new CustomResourceOptions { Parent = this }
            );
        }

        RegisterOutputs();
    }

    void Address(TenantConfig config, string workload, string host, Edge edge) =>
        _ = new RecordSet(
            workload,
            new RecordSetArgs
            {
                ManagedZone = config.Platform.DnsZone,
                Name = $"{host}.",
                Type = "A",
                Ttl = Ttl,
                Rrdatas = { edge.Address.Address },
            },
            new CustomResourceOptions { Parent = this }
        );
}
