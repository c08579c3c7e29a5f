namespace Migrator.Reporting;

/// <summary>What <c>hooks --json</c> prints.</summary>
public sealed record HooksDocument(
    string TenantSlug,
    IReadOnlyList<HookSection> Hooks,
    IReadOnlyList<string> NextSteps
);
