using Migrator.Verification;

namespace Migrator.Reporting;

/// <summary>A row that differs, as <c>verify --explain --json</c> prints it.</summary>
/// <param name="Kind">missing (in the isolated database), extra (there only) or changed.</param>
/// <param name="Triggers">The application's triggers on the isolated table.</param>
public sealed record DifferenceEntry(
    string Table,
    string Key,
    string Kind,
    IReadOnlyList<DifferenceEntry.Column> Columns,
    DifferenceEntry.Origin? Shared,
    DifferenceEntry.Origin? Isolated,
    IReadOnlyList<string> Triggers
)
{
    public static IEnumerable<DifferenceEntry> Of(ExplainedTable table) =>
        table.Rows.Select(row => new DifferenceEntry(
            table.Table.Name.ToString(),
            row.Difference.Key,
            row.Difference.Kind.ToString().ToLowerInvariant(),
            [.. row.Columns.Select(column => new Column(column.Name, column.Shared, column.Isolated))],
            Origin.Of(row.Shared),
            Origin.Of(row.Isolated),
            table.Triggers
        ));

    /// <param name="Shared">Null unless the values were asked for.</param>
    /// <param name="Isolated">Null unless the values were asked for.</param>
    public sealed record Column(string Name, string? Shared, string? Isolated);

    /// <param name="CommittedAt">Null where the server does not note that.</param>
    /// <param name="SinceFlip">Null where nothing tells.</param>
    public sealed record Origin(string Transaction, DateTime? CommittedAt, bool? SinceFlip)
    {
        public static Origin? Of(RowOrigin? origin) =>
            origin is null ? null : new(origin.Transaction, origin.CommittedAt, origin.IsSince);
    }
}
