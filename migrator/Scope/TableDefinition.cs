using Migrator.Model;

namespace Migrator.Scope;

/// <summary>A table, plain or partitioned, with what the catalog says of it.</summary>
/// <param name="ReplicaIdentity">
/// What a change tells of the old row: d(efault: the primary key), i(ndex), f(ull), n(othing).
/// </param>
/// <param name="Key">
/// Columns of the replica identity's index (of the primary key, if that index has them all), of the primary key, or of
/// another unique index without nulls; empty when rows have no name.
/// </param>
/// <param name="Unique">
/// Columns that any unique index or exclusion constraint looks at, those of the key among them.
/// </param>
/// <param name="HasOtherUnique">
/// There are unique indexes or exclusion constraints, in the table or in one of its partitions, that two rows of different
/// keys may violate.
/// </param>
/// <param name="HasLateTriggers">
/// A BEFORE ROW trigger of the application fires after the guard's, and may change the row that the guard has seen.
/// </param>
public sealed record TableDefinition(
    TableName Name,
    uint Oid,
    string Kind,
    bool Unlogged,
    string Owner,
    bool Owned,
    bool RowSecurity,
    bool ForcedRowSecurity,
    string ReplicaIdentity,
    bool HasPrimaryKey,
    IReadOnlyList<Leaf> Leaves,
    IReadOnlyList<Column> Columns,
    IReadOnlyList<string> Key,
    IReadOnlyList<string> Unique,
    bool HasOtherUnique,
    bool HasLateTriggers
)
{
    /// <summary>
    /// The key is declared WITHOUT OVERLAPS: rows of different keys exclude each other, and ON CONFLICT cannot name the key.
    /// </summary>
    public bool KeyExcludes { get; init; }

    /// <summary>
    /// The table's owner is one of ours, the database's or a superuser. To read a table of another owner runs that owner's code
    /// with our rights: the planner computes what it can of the predicates of the table's indexes.
    /// </summary>
    public bool IsTrusted { get; init; } = true;

    public bool IsPartitioned => Kind == "p";

    public bool IsForeign => Kind == "f" || Leaves.Any(leaf => leaf.Kind == "f");

    /// <summary>
    /// A publication of the table names every changed row by its key, and makes no UPDATE or DELETE fail: without a
    /// replica identity, and with a full one that misses a generated column, it would. Generated columns
    /// are not published, so a key that has one names no row.
    /// </summary>
    /// <remarks>https://www.postgresql.org/docs/current/logical-replication-publication.html</remarks>
    public bool IsStreamable =>
        !Unlogged
        && !IsForeign
        && Key.Count > 0
        && !Key.Any(name => Column(name)!.Generated)
        && ReplicaIdentity switch
        {
            "d" => HasPrimaryKey,
            "i" => true,
            "f" => HasPrimaryKey && !Columns.Any(column => column.Generated),
            _ => false,
        };

    /// <summary>
    /// The table in a FROM clause. ONLY, because a table that inherits is a table of its own in every list of ours.
    /// </summary>
    public string From => IsPartitioned ? Name.Quoted : "ONLY " + Name.Quoted;

    public IEnumerable<Column> StoredColumns => Columns.Where(column => !column.Generated);

    public long EstimatedRows => Leaves.Sum(leaf => leaf.Rows);

    public long Bytes => Leaves.Sum(leaf => leaf.Bytes);

    /// <summary>The table with the columns that another database's table has as well.</summary>
    public TableDefinition In(TableDefinition other)
    {
        Column[] columns = [.. Columns.Where(column => other.Column(column.Name) is not null)];
        bool Stays(string name) => columns.Any(column => column.Name == name);
        return this with
        {
            Leaves = other.Leaves,
            Columns = columns,
            Key = Key.All(Stays) ? Key : [],
            Unique = [.. Unique.Where(Stays)],
        };
    }

    /// <summary>The table as if it did not have some columns.</summary>
    public TableDefinition Without(IReadOnlyList<string> names) =>
        this with
        {
            Columns = [.. Columns.Where(column => !names.Contains(column.Name))],
            Unique = [.. Unique.Except(names)],
        };

    public Column? Column(string name) => Columns.FirstOrDefault(column => column.Name == name);
}
