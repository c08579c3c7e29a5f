using Migrator.Model;

namespace Migrator.Messages;

/// <summary>What preflight finds in reference tables, which are copied whole: rows that may be other tenants'.</summary>
static class ReferenceMessages
{
    public static string ReferenceLooksPrivate(
        TableName table,
        long rows,
        long strangers,
        IEnumerable<string> columns
    ) =>
        $"{table} is a reference table: all {rows:N0} rows are copied, and no row of this tenant names {strangers:N0} of "
        + $"them. Columns that look like secrets or personal data: {string.Join(", ", columns)}. "
        + $"If the rows are other tenants', write \"{table}\": \"ignored\" under \"tables\" in tenancy.json.";

    public static string ReferenceRowsOfOthers(IEnumerable<string> tables) =>
        "Reference tables are copied whole. Rows that only other tenants' rows name are copied too: "
        + $"{string.Join(", ", tables)}. If such rows are the other tenants' own, say in tenancy.json whose they are "
        + "(\"named_by\" or \"shared_through\", docs/scope.md).";

    public static string ReferenceRowsAreOwned(TableName table, TableName from, string key, string column, long rows) =>
        $"{table} is a reference table, which is copied whole, but each of its rows belongs to one row of {from} "
        + $"(constraint {key}, unique columns), and {rows:N0} of the rows belong to rows that are not this tenant's. "
        + $"Write \"{table}\": {{ \"named_by\": [\"{from}.{column}\"] }} under \"tables\" in tenancy.json, "
        + $"and take {table} out of \"reference\".";
}
