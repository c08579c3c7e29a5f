using System.Security.Cryptography;
using System.Text;
using Migrator.Model;

namespace Migrator.Streaming;

/// <summary>
/// The name of a tenant's publication and of its replication slot; both have the same name. All slots of a server share
/// one namespace, so the name has a hash of database and tenant besides the slug that a person looks for.
/// </summary>
/// <remarks>https://www.postgresql.org/docs/current/logicaldecoding-explanation.html#LOGICALDECODING-REPLICATION-SLOTS</remarks>
public static class StreamNames
{
    /// <summary>What all of our slots and publications begin with.</summary>
    public const string Prefix = "tenant_promotion_";

    /// <summary>In the shared database: the changes for the isolated one.</summary>
    public static string Forward(string sharedDatabase, Tenant tenant) => Name(sharedDatabase, tenant);

    /// <summary>
    /// In the isolated database: the changes since the flip, which a rollback applies to the shared one.
    /// </summary>
    public static string Reverse(string sharedDatabase, Tenant tenant) => Name(sharedDatabase, tenant) + "_home";

    /// <summary>A slot that lives as long as its connection.</summary>
    public static string Temporary() => $"{Prefix}at_{Guid.NewGuid():n}";

    // At most 63 bytes: prefix 17, slug 30, hash 8, suffix 5 and two separators.
    static string Name(string sharedDatabase, Tenant tenant)
    {
        var slug = tenant.Slug.Text.Replace('-', '_');
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{sharedDatabase}/{tenant.Key}")));
        return $"{Prefix}{slug[..Math.Min(slug.Length, 30)]}_{hash[..8]}";
    }
}
