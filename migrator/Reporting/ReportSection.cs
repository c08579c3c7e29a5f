using Migrator.Model;

namespace Migrator.Reporting;

/// <summary>The part of promote's result that status does not have.</summary>
/// <param name="Tables">What was copied, by name.</param>
/// <param name="Validation">The checks after the flip; none with <c>--no-validate</c>.</param>
/// <param name="Rehearsal">The tenant's newest rehearsal; null if there was none.</param>
public sealed record ReportSection(
    IReadOnlyList<ReportSection.TableEntry> Tables,
    IReadOnlyList<Check> Validation,
    RehearsalSection? Rehearsal
)
{
    /// <param name="Digest">The sum of the rows' hashes, a signed 64-bit number as text.</param>
    public sealed record TableEntry(string Table, long Rows, string Digest);
}
