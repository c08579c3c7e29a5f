namespace Migrator.Model;

/// <summary>What a phase counts; users' journals contain the names, so they do not change.</summary>
public static class ProgressUnit
{
    /// <summary>Statements of many rows each.</summary>
    public const string Batches = "batches";

    /// <summary>Bytes that are copied.</summary>
    public const string Bytes = "bytes";

    /// <summary>What was copied of a table, once for each of its indexes.</summary>
    public const string IndexBytes = "index_bytes";

    /// <summary>Pauses that are rehearsed.</summary>
    public const string Pauses = "pauses";

    /// <summary>Rows that are compared or deleted.</summary>
    public const string Rows = "rows";

    /// <summary>Bytes of the source's log.</summary>
    public const string WalBytes = "wal_bytes";
}
