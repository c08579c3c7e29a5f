namespace Migrator.Demo;

/// <summary>The result of comparing the ledger with the databases.</summary>
/// <param name="Faults">One sentence per fault; empty if all is well.</param>
public sealed record CheckResult(RowCounts Moving, RowCounts Others, IReadOnlyList<string> Faults);

/// <param name="Writes">Transactions that were acknowledged.</param>
/// <param name="Rows">The rows of those transactions, including the audit trigger's rows.</param>
/// <param name="Unknown">Transactions whose outcome is unknown.</param>
public sealed record RowCounts(int Writes, int Rows, int Unknown);
