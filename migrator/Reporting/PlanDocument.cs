namespace Migrator.Reporting;

/// <summary>What <c>promote --dry-run --json</c> prints.</summary>
/// <param name="Database">The isolated database's name.</param>
/// <param name="Rows">The planner's estimate, as are bytes.</param>
public sealed record PlanDocument(
    string TenantSlug,
    string Mode,
    string Database,
    long Rows,
    long Bytes,
    double EstimatedSeconds,
    double EstimatedPauseSeconds,
    IReadOnlyList<PlanDocument.TableEntry> Tables,
    IReadOnlyList<string> Warnings,
    IReadOnlyList<string> NextSteps
)
{
    /// <param name="Scope"><c>root</c>, <c>direct</c>, <c>derived</c>, <c>shared</c>, <c>reference</c> or <c>ignored</c>.</param>
    /// <param name="Unnamed">Rows that are copied and that no row of the tenant names; null where rows have an owner.</param>
    /// <param name="PrivateColumns">Columns that look like secrets or personal data; null where rows have an owner.</param>
    public sealed record TableEntry(
        string Table,
        string Scope,
        long Rows,
        long Bytes,
        long? Unnamed,
        IReadOnlyList<string>? PrivateColumns
    );
}
