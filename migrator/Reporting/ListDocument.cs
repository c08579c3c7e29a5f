namespace Migrator.Reporting;

/// <summary>What <c>list --json</c> prints.</summary>
public sealed record ListDocument(IReadOnlyList<ListDocument.TenantEntry> Tenants, IReadOnlyList<string> NextSteps)
{
    /// <param name="PromotionState">The state of the newest promotion; null when there was none.</param>
    /// <param name="Database">The isolated database of that promotion.</param>
    public sealed record TenantEntry(
        string TenantSlug,
        string TenantId,
        string IsolationMode,
        string? PromotionState,
        string? Database
    );
}
