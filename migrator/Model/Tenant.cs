using System.Text.Json.Nodes;

namespace Migrator.Model;

/// <summary>The tenant's row in the tenants table, read once.</summary>
/// <param name="Key">The key's value as text, the form in which tenant columns of every type are compared.</param>
/// <param name="Columns">The whole row as JSON, for <c>status</c>.</param>
public sealed record Tenant(Slug Slug, string Key, string IsolationMode, JsonObject Columns)
{
    public const string SharedMode = "shared";
    public const string IsolatedMode = "isolated";

    /// <summary>What conditions on rows name the tenant by.</summary>
    public TenantId Id => new(Key, Slug.Text);

    public bool IsIsolated => IsolationMode == IsolatedMode;
}
