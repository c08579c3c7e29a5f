namespace Migrator.Model;

/// <summary>A table's digest, with what is needed to compute it again after a migration.</summary>
/// <param name="Detail">Null in journals of versions that recorded the digest alone.</param>
public sealed record RecordedTable(Digest Digest, RecordedDetail? Detail = null);

/// <param name="Oid">The table, whatever its name is by now.</param>
/// <param name="Snapshot">The shared database's snapshot before the rows were read.</param>
/// <param name="Columns">The columns that the digest is made of.</param>
/// <param name="Partitions">The digests of the partitions, by object id; empty if the table has none.</param>
public sealed record RecordedDetail(
    uint Oid,
    string Snapshot,
    IReadOnlyList<RecordedColumn> Columns,
    IReadOnlyDictionary<uint, Digest> Partitions
);

/// <param name="Number">The column's place in its table, which a new name does not change.</param>
/// <param name="HashesByValue">The digest took the value itself, and not its text.</param>
public sealed record RecordedColumn(short Number, string Name, string Type, bool HashesByValue);
