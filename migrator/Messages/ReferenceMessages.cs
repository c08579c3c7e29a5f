using Migrator.Model;

namespace Migrator.Messages;

/// <summary>Rows that name other tenants' rows, and rows of reference tables that may be other tenants'.</summary>
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

    public static string SharedLooksPrivate(TableName table, long rows, IEnumerable<string> columns) =>
        $"{table} is shared with other tenants: the {rows:N0} rows that this tenant's rows name are copied, with columns that look "
        + $"like secrets or personal data: {string.Join(", ", columns)}. "
        + $"Columns that the isolated database is not to have belong into \"blank\" of the rule of {table} in tenancy.json.";

    /// <summary>What the plan shows of a table whose rows have no owner.</summary>
    public static string Unowned(long rows, long unnamed, IReadOnlyList<string> columns)
    {
        string[] parts =
        [
            .. unnamed > 0 ? [$"no row of the tenant names {unnamed:N0} of {rows:N0} rows"] : Array.Empty<string>(),
            .. columns.Count > 0 ? [$"columns {string.Join(", ", columns)}"] : Array.Empty<string>(),
        ];
        return string.Join("; ", parts);
    }

    /// <summary>What the validation says of such a table in the isolated database.</summary>
    public static string UnownedThere(
        TableName table,
        long rows,
        long unnamed,
        long ofOthers,
        IReadOnlyList<string> columns
    ) =>
        $"no row of the tenant names {unnamed:N0} of {rows:N0} rows of {table}"
        + (ofOthers > 0 ? $" (rows of other tenants name {ofOthers:N0})" : "")
        + (columns.Count > 0 ? $", which have columns that look private: {string.Join(", ", columns)}" : "");

    public static string ReferenceRowsOfOthers(IEnumerable<string> tables) =>
        "Reference tables are copied whole. Rows that only other tenants' rows name are copied too: "
        + $"{string.Join(", ", tables)}. If such rows are the other tenants' own, say in tenancy.json whose they are "
        + "(\"named_by\" or \"shared_through\", docs/scope.md).";

    public static string ReferenceRowsAreOwned(TableName table, TableName from, string key, string column, long rows) =>
        $"{table} is a reference table, which is copied whole, but each of its rows belongs to one row of {from} "
        + $"(constraint {key}, unique columns), and {rows:N0} of the rows belong to rows that are not this tenant's. "
        + $"Write \"{table}\": {{ \"named_by\": [\"{from}.{column}\"] }} under \"tables\" in tenancy.json, "
        + $"and take {table} out of \"reference\".";

    public static string CrossTenantReference(
        TableName table,
        TableName parent,
        string constraint,
        long count,
        IReadOnlyList<string> samples,
        string cure
    ) =>
        $"{count:N0} rows of {table} refer to rows of {parent} that are not this tenant's "
        + $"(constraint {constraint}), such as {Wording.Foreign(string.Join("; ", samples))}. "
        + $"The isolated database could not satisfy the constraint. Correct the rows. {cure}".TrimEnd();

    /// <param name="rule">The line of tenancy.json.</param>
    public static string SharedRows(TableName parent, string rule) =>
        $"Or, if rows of several tenants may name rows of {parent}, write {rule} under \"tables\" in tenancy.json.";

    /// <param name="rule">The line of tenancy.json.</param>
    public static string BlankColumn(TableName table, string column, string rule) =>
        $"Or, if rows of {table} are several tenants', write {rule} under \"tables\" in tenancy.json instead of the table's "
        + $"present rule. Column {column} is then null in the isolated database.";

    public static string ReferencedByOthers(
        TableName table,
        TableName parent,
        string constraint,
        long count,
        IReadOnlyList<string> samples,
        string cure
    ) =>
        $"{count:N0} rows of {table} that are not this tenant's refer to this tenant's rows in {parent} "
        + $"(constraint {constraint}), such as {Wording.Foreign(string.Join("; ", samples))}. "
        + $"Such references would stop finalize. Correct the rows. {cure}".TrimEnd();

    public static string SeveralParents(TableName table, IEnumerable<TableName> parents) =>
        $"Or, if a row of {table} belongs to one of several parents, write \"{table}\": {{ \"any_of\": ["
        + $"{string.Join(", ", parents.Select(parent => $"{{ \"belongs_to\": \"{parent}\" }}"))}] }} under \"tables\" in tenancy.json.";

    public static string NoTreeOfTenants(TableName tenants, string column) =>
        $"Or, if a tenant is a row of {tenants} with all rows below it, write \"tenants\": {{ \"subtree\": \"{column}\" }} into "
        + "tenancy.json, beside the other keys of \"tenants\".";
}
