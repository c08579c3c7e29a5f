using Migrator.Model;
using Migrator.Scope;

namespace Migrator.Verification;

/// <summary>
/// A range of a table's keys, in an order that any two servers agree on: text is ordered by its bytes, whatever its
/// collation, because another server may have another version of that collation.
/// </summary>
/// <param name="After">The last key before it, as text by the key's columns; null for the table's first range.</param>
/// <param name="UpTo">Its last key; null for the table's last range.</param>
public sealed record KeyRange(string[]? After, string[]? UpTo)
{
    /// <summary>All rows; the only one that a table without a key has.</summary>
    public static KeyRange Whole { get; } = new(null, null);

    /// <summary>The rows at the bounds are of one range each, and no row is of none.</summary>
    /// <param name="ranges">Those of a table, in any order.</param>
    public static bool AreAll(IReadOnlyCollection<KeyRange> ranges)
    {
        var next = ranges.ToLookup(range => Name(range.After));
        var (found, after) = (0, (string[]?)null);
        while (next[Name(after)].ToArray() is [var range])
        {
            found++;
            if (range.UpTo is null)
                return found == ranges.Count;
            if (found == ranges.Count)
                return false;
            after = range.UpTo;
        }
        return false;
    }

    /// <summary>The condition that a row, seen as <paramref name="alias"/>, is of this range; empty for all rows.</summary>
    public string And(TableDefinition table, string alias) =>
        (After is null ? "" : $" AND {Compared(table, alias, ">", After)}")
        + (UpTo is null ? "" : $" AND {Compared(table, alias, "<=", UpTo)}");

    /// <summary>The values that rows are ordered by.</summary>
    public static string Order(TableDefinition table, string alias) =>
        string.Join(", ", Columns(table).Select(column => Value(column, $"{alias}.{Sql.Identifier(column.Name)}")));

    static string Compared(TableDefinition table, string alias, string by, string[] key)
    {
        var bound = Columns(table).Zip(key, (column, text) => Value(column, Sql.Literal(text) + Cast(column)));
        return $"({Order(table, alias)}) OPERATOR(pg_catalog.{by}) ({string.Join(", ", bound)})";
    }

    static IEnumerable<Column> Columns(TableDefinition table) => table.Key.Select(name => table.Column(name)!);

    static string Name(string[]? key) =>
        key is null ? "" : string.Concat(key.Select(value => $"{value.Length}:{value}"));

    // Types whose indexes have the same order everywhere, and serve here.
    static bool HasOwnOrder(Column column) =>
        column.Family is "integer" or "uuid" or "date" or "numeric" or "bytea" or "oid"
        || column.Family.StartsWith("timestamp", StringComparison.Ordinal);

    static string Value(Column column, string value) =>
        HasOwnOrder(column) ? value
        : column.Family == "text" ? $"{value} COLLATE \"C\""
        : $"({value})::text COLLATE \"C\"";

    static string Cast(Column column) =>
        HasOwnOrder(column) ? $"::{column.TypeText}"
        : column.TypeText.StartsWith("character(", StringComparison.Ordinal) ? "::bpchar"
        : "::text";
}
