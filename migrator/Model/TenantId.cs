namespace Migrator.Model;

/// <summary>What rows may name a tenant by.</summary>
/// <param name="Key">The key's value as text, the form in which tenant columns of every type are compared.</param>
/// <param name="Slug">The slug, of whatever form: another tenant's may be none that a user could type.</param>
public readonly record struct TenantId(string Key, string Slug);
