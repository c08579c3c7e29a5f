namespace Migrator.Demo;

/// <summary>The effect of one write on one row.</summary>
/// <param name="Was">The row's content before; null if there was no row.</param>
/// <param name="Content">The row's content after; null if the row was deleted.</param>
public sealed record RowChange(string Table, string Key, string? Was, string? Content);

/// <summary>One transaction of the application.</summary>
/// <param name="Database">The database that committed it.</param>
/// <param name="Attempts">The number of attempts; more than one if a database refused it.</param>
/// <param name="Started">The beginning of the first attempt, as a timestamp of the ledger's clock.</param>
/// <param name="Ended">The moment when its COMMIT was acknowledged.</param>
/// <param name="Known">False if the connection was lost during COMMIT.</param>
public sealed record LedgerEntry(
    string Tenant,
    IReadOnlyList<RowChange> Changes,
    string Database,
    int Attempts,
    long Started,
    long Ended,
    bool Known = true
);
