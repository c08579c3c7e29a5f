using Migrator.Model;
using Migrator.Scope;

namespace Migrator.Verification;

/// <summary>The SQL that turns rows into digests, the same on both sides.</summary>
/// <remarks>
/// <c>hash_record_extended</c> hashes records since PostgreSQL 14:
/// https://www.postgresql.org/docs/current/functions-comparison.html#ROW-WISE-COMPARISON
/// </remarks>
public static class RowHash
{
    /// <summary>The 64-bit hash of a row seen as <paramref name="alias"/>.</summary>
    /// <remarks>
    /// A record's hash is a linear combination of its columns' hashes, and so a sum of them would not notice two rows
    /// that swap the values of a column. Hashing the hash once more makes each row's contribution its own.
    /// </remarks>
    public static string Of(TableDefinition table, string alias) =>
        Of([.. table.StoredColumns.Select(column => Value(column, alias))]);

    /// <summary>
    /// The hash of a row over the columns that were recorded, under their present names and in their former types; null
    /// if one of them is gone.
    /// </summary>
    public static string? AsRecorded(TableDefinition table, RecordedDetail then, string alias)
    {
        var values = new List<string>();
        foreach (var column in then.Columns)
        {
            var now =
                table.Oid == then.Oid
                    ? table.Columns.FirstOrDefault(one => one.Number == column.Number)
                    : table.Column(column.Name);
            if (now is null)
                return null;
            var value = $"{alias}.{Sql.Identifier(now.Name)}";
            if (now.TypeText != column.Type)
                value = $"{value}::{column.Type}";
            values.Add(column.HashesByValue ? value : $"(({value})::text COLLATE \"C\")");
        }
        return Of(values);
    }

    /// <summary>The 64-bit hash of one column's value.</summary>
    public static string OfColumn(Column column, string alias) =>
        $"hash_record_extended(ROW({Value(column, alias)}), 0)";

    /// <summary>The 64-bit hash of a row's key.</summary>
    public static string OfKey(TableDefinition table, string alias) =>
        $"hash_record_extended(ROW({string.Join(", ", table.Key.Select(name => Value(table.Column(name)!, alias)))}), 0)";

    static string Of(IReadOnlyList<string> values) =>
        values.Count == 0
            ? "0::bigint"
            : $"hashtextextended(hash_record_extended(ROW({string.Join(", ", values)}), 0)::text, 0)";

    // COLLATE "C": text made from a type with its own idea of equality is compared byte by byte.
    static string Value(Column column, string alias)
    {
        var value = $"{alias}.{Sql.Identifier(column.Name)}";
        return column.HashesByValue ? value : $"({value}::text COLLATE \"C\")";
    }
}
