using Migrator.Model;

namespace Migrator.Messages;

/// <summary>What is said of tenants that are trees of rows (<c>tenants.subtree</c>).</summary>
static class TreeMessages
{
    /// <param name="above">The tenant whose database that is; null where its row is not above any more.</param>
    public static MigratorException PartOfATree(Slug slug, string key, (Slug Slug, string Key)? above, string database)
    {
        var tenant = above is { } one ? $"the tenant '{one.Slug}' (key {Wording.Foreign(one.Key)})" : "a tenant";
        var run = above is { Slug: var top }
            ? $"'migrator status --tenant-slug={top}' shows where that tenant is."
            : "'migrator list' shows all tenants.";
        return MigratorException.Refused(
            $"'{slug}' (key {Wording.Foreign(key)}) is a part of {tenant}, which is in the database {Wording.Foreign(database)}: "
                + $"'{slug}' moves with that tenant, and comes home with it. {run}"
        );
    }

    public static string ColumnDoesNotFit(TableName tenants, string column) =>
        $"\"subtree\" in tenancy.json names {tenants}.{column}, which cannot hold a key of {tenants}. It has to be a column of the "
        + "key's type, and \"key\" the primary key.";

    /// <param name="keys">Keys of rows in the circle.</param>
    public static string Circle(TableName tenants, string column, Slug slug, IEnumerable<string> keys) =>
        $"The rows of {tenants} lead in a circle by {column}: '{slug}' is below itself "
        + $"(keys {Wording.Foreign(string.Join(", ", keys))}). Correct the rows.";

    /// <param name="above">The key of the tenant above.</param>
    public static string NotOnTop(TableName tenants, string column, Slug slug, string key, string above) =>
        $"'{slug}' (key {Wording.Foreign(key)}) is below the tenant with the key {Wording.Foreign(above)}: the isolated database could "
        + $"not satisfy the foreign key of {tenants}.{column}. Promote the tenant on top, or take '{slug}' from below it first.";

    public static string TooDeep(TableName tenants, Slug slug, int most) =>
        $"There are more than {most} levels of {tenants} below '{slug}'. Correct the rows, or promote tenants below first.";

    public static string Overlaps(Slug slug, IReadOnlyList<string> others) =>
        $"Tenants above or below '{slug}' have moved or are moving by themselves: {Wording.Foreign(string.Join(", ", others))}. "
        + "A row moves with one tenant. Roll those back first, or leave them where they are and promote others.";

    public static string OneKeyOnly(TableName table, string? place, string what) =>
        $"The rule of {table} in tenancy.json{Wording.At(place)} does not fit a tenant that is a tree "
        + $"(\"subtree\"): {what}. Say by a column or by another row whose the rows are: "
        + $"\"{table}\": {{ \"tenant\": \"column\" }} or {{ \"belongs_to\": \"schema.table\" }}.";

    public const string ConditionOfOneKey = "a condition is asked with the key of one tenant, and the tree has several";

    public const string NullIsGlobal = "everybody's rows (\"null\": \"global\") cannot be told from a tree's";
}
