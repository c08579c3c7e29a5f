namespace Migrator.Reporting;

/// <summary>What <c>scope --json</c> prints.</summary>
sealed record ScopeDocument(
    string TenantSlug,
    IReadOnlyList<ScopeDocument.TableEntry> Tables,
    IReadOnlyList<string> Faults,
    IReadOnlyList<string> Warnings,
    IReadOnlyList<string> NextSteps
)
{
    /// <param name="Scope">The class, as in the plan; null for a table that no rule covers.</param>
    /// <param name="Condition">The condition on a row <c>t</c> under which the row is copied.</param>
    /// <param name="Others">Rows that are not copied.</param>
    /// <param name="Samples">Keys of rows that are copied.</param>
    public sealed record TableEntry(
        string Table,
        string? Scope,
        string Condition,
        long Rows,
        long Bytes,
        long Others,
        IReadOnlyList<string> Samples
    );
}
