using Migrator.Scope;

namespace Migrator.Verification;

/// <summary>A table that differs, with what the databases know of that.</summary>
/// <param name="Rows">Some of the rows that differ.</param>
/// <param name="Triggers">The application's triggers on the table in the isolated database, which may have written there.</param>
public sealed record ExplainedTable(
    ScopedTable Table,
    IReadOnlyList<ExplainedRow> Rows,
    IReadOnlyList<string> Triggers
);

/// <param name="Columns">Of a row that is on both sides, the columns in which it differs.</param>
/// <param name="Shared">Who wrote the shared row last; null where there is none, or where rows have no key.</param>
/// <param name="Isolated">The same of the isolated row.</param>
public sealed record ExplainedRow(
    RowDifference Difference,
    IReadOnlyList<DifferingColumn> Columns,
    RowOrigin? Shared,
    RowOrigin? Isolated
);

/// <param name="Shared">The value as text; null for NULL, and where values were not asked for.</param>
/// <param name="Isolated">The same of the isolated row.</param>
public sealed record DifferingColumn(string Name, string? Shared, string? Isolated);

/// <summary>The transaction that wrote a row last, as far as a server knows it.</summary>
/// <param name="Transaction">The 32 bits of its number that are in the row.</param>
/// <param name="CommittedAt">Null where the server does not note that (track_commit_timestamp), or no longer has it.</param>
/// <param name="IsSince">It ended after the table was recorded at the flip; null where nothing was recorded.</param>
public sealed record RowOrigin(string Transaction, DateTime? CommittedAt, bool? IsSince);
