namespace Migrator.Reporting;

/// <summary>What <c>resolve-tenant --json</c> prints.</summary>
/// <param name="Source">Where the tenant is named: <c>label</c>, <c>title</c>, <c>text</c> or <c>default</c>.</param>
public sealed record ResolveTenantDocument(string TenantSlug, string Source, IReadOnlyList<string> NextSteps);
