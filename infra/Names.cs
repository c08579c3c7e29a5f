using System.Security.Cryptography;
using System.Text;

namespace Infra;

/// <summary>
/// Every physical name of a tenant, derived from its slug alone. A name is <c>kind-slug</c> where the kind is one word,
/// so that kind and slug can always be told apart. A slug that is too long is cut, and one that is too short
/// lengthened, by a hash of the whole behind a double hyphen, which no slug contains: such a name therefore never
/// equals another tenant's plain one.
/// </summary>
public sealed record Names(Slug Slug)
{
    const int HashLength = 10;

    /// <summary>
    /// A service account's id: 6 to 30 characters in IAM, of which 28 are used, because <c>id@project.iam</c> is the
    /// account's name in PostgreSQL, where identifiers end at 63 bytes and a project id may have 30.
    /// See <see href="https://cloud.google.com/iam/docs/service-accounts-create">creating service accounts</see> and
    /// <see href="https://cloud.google.com/sql/docs/postgres/add-manage-iam-users">IAM database users</see>.
    /// </summary>
    public string Account(string kind) => Fit(kind, 28, min: 6);

    /// <summary>
    /// A Cloud Run service or job, shorter than 50 characters.
    /// See
    /// https://cloud.google.com/run/docs/reference/rest/v2/projects.locations.services/create.
    /// </summary>
    public string Run(string kind) => Fit(kind, 49);

    /// <summary>
    /// A Compute Engine, Certificate Manager or DNS authorization name: an RFC 1035 label.
    /// See <see href="https://cloud.google.com/compute/docs/naming-resources">naming resources</see>.
    /// </summary>
    public string Label(string kind) => Fit(kind, 63);

    /// <summary>
    /// What Pulumi appends <c>-1a2b3c4</c> to, where a deleted name stays taken. Project and instance together have 98
    /// characters in Cloud SQL; see <see href="https://cloud.google.com/sql/docs/postgres/instance-settings">instance
    /// settings</see>.
    /// </summary>
    public string Generated(string kind) => Fit(kind, 55);

    /// <summary>
    /// A name of a certificate or DNS authorization. Both are replaced when the domain changes, and a replacement is
    /// created before the old one goes: the domain is therefore part of the name.
    /// </summary>
    public string Certificate(string kind, string domain) => $"{Fit(kind, 63 - 9)}-{Hash(domain)[..8]}";

    /// <summary>
    /// A secret's id, at most 255 characters.
    /// See
    /// https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets/create.
    /// </summary>
    public string Secret(string kind) => Fit(kind, 255);

    /// <summary>
    /// A log bucket, sink or log-based metric, at most 100 characters.
    /// See <see href="https://cloud.google.com/logging/docs/reference/v2/rest/v2/projects.sinks">sinks</see>.
    /// </summary>
    public string Logging(string kind) => Fit(kind, 100);

    /// <summary>
    /// An Identity Platform tenant's display name: 4 to 20 characters.
    /// See
    /// <see href="https://cloud.google.com/identity-platform/docs/reference/rest/v2/projects.tenants">tenants</see>.
    /// </summary>
    public string IdentityTenant => Fit("t", 20, min: 4);

    /// <summary>
    /// The isolated database, as the migrator names it. At most 63 bytes, PostgreSQL's
    /// <see href="https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS">limit on
    /// identifiers</see>.
    /// </summary>
    public string Database => Slug.DatabaseName;

    /// <summary>The group role through which the tenant's application reads and writes.</summary>
    public string ApplicationRole => $"app_{Slug.Text.Replace('-', '_')}";

    string Fit(string kind, int max, int min = 1)
    {
        var slug = Slug.Text;
        var room = max - kind.Length - 1;
        var fitting =
            slug.Length > room ? $"{slug[..(room - HashLength - 2)].TrimEnd('-')}--{Hash(slug)[..HashLength]}"
            : kind.Length + 1 + slug.Length < min ? $"{slug}--{Hash(slug)[..min]}"
            : slug;

        return $"{kind}-{fitting}";
    }

    static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
