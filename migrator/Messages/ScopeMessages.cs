using Migrator.Model;

namespace Migrator.Messages;

/// <summary>What is said of the rules of tenancy.json: of conditions, and of rules that the migrator suggests.</summary>
public static class ScopeMessages
{
    public static MigratorException NoTenantsTable() =>
        MigratorException.Refused(
            "No table looks like that of the tenants. Write "
                + "\"tenants\": { \"table\": \"schema.table\", \"key\": \"column\", \"slug\": \"column\" } into tenancy.json, "
                + "and run the same command again."
        );

    public static MigratorException NoSlug(TableName tenants) =>
        MigratorException.Refused(
            $"{tenants} has no column that looks like a slug. "
                + "Write \"tenants\": { \"slug\": \"column\" } into tenancy.json, and run the same command again."
        );

    public static string GuessedTenantsTable(TableName table, int references) =>
        $"{table} seems to have one row per tenant; {references} foreign keys lead there.";

    public static string GuessedSubtree(TableName table, string column) =>
        $"Rows of {table} are below others by {column}: a tenant is taken for a row with all rows below it. "
        + "Take \"subtree\" out if each row is a tenant by itself.";

    public static string GuessedTenantColumns(IEnumerable<string> columns) =>
        $"These columns seem to name the tenant: {string.Join(", ", columns)}.";

    public static string TenantsNeed(TableName table, string column, string definition) =>
        $"{table} needs a column {column}. "
        + $"Run ALTER TABLE {table.Quoted} ADD {Sql.Identifier(column)} {definition}, or name another column in tenancy.json.";

    public static string Guessed(TableName table, string rule, string why) => $"{table}: {rule}, because {why}.";

    public static string NoTableForType(TableName table, string column, string value) =>
        $"{table}.{column} has the value '{value}', and no table is called after it. Add it to \"to\" with its table.";

    public static string CheckSuggestion(Slug slug) =>
        $"Write this as tenancy.json, read it, and see what it does: 'migrator scope --tenant-slug={slug} --check'.";

    public static string TablesOfStrangers(IEnumerable<TableName> tables) =>
        $"These tables belong to neither this role nor the tables' owner, and were not read: {Wording.List(tables)}. To read them "
        + "would run what their owners have put there.";

    public static string WhereUnreadable() =>
        "\"where\" has to be one condition on columns of the table itself, with :tenant for the tenant's key or :slug for its slug, "
        + "without comments. A subquery names each table with its schema. Correct the condition.";

    public static string WhereReads(TableName table) =>
        $"a subquery reads {table}, whose rows are no tenant's, or are the tenant's by a condition that reads other tables. "
        + "Read tables that are the tenant's by another rule.";

    public static string WhereReferredTo(IEnumerable<TableName> from) =>
        $"the condition reads other tables, and rows of {Wording.List(from)} refer to this one. "
        + "Write a condition without other tables.";

    public static string Reading(TableName table, IEnumerable<TableName> read) =>
        $"Rows of {Wording.List(read)} tell which rows of {table} are the tenant's. "
        + $"{table} is copied while the tenant's writes are paused.";

    public static string TooLargeToRead(TableName table, long rows) =>
        $"Rows of other tables tell which of {table} are the tenant's, about {rows:N0}: too many to copy while the tenant's writes "
        + "are paused. Write a condition without other tables, or use --mode fenced.";

    public static string WhereRefused(string why) =>
        $"PostgreSQL does not take the condition ({why}). "
        + "Correct the condition; a function outside pg_catalog needs its schema's name.";

    public static string WhereNotImmutable(IEnumerable<string> reasons) =>
        $"the condition may say another thing in another session, or later ({string.Join(", ", reasons)}). "
        + "Write the condition with immutable functions and types.";

    public static string WhereGenerated(string column) =>
        $"{column} is a generated column, which no trigger sees before a row is written. Use the columns it is made of.";

    public static string WhereWithoutIndex(string table, string condition, string expression) =>
        $"No index serves the condition of {table} in tenancy.json ({condition}): each comparison reads the whole table. "
        + $"Before the promotion, run CREATE INDEX CONCURRENTLY ON {table} ({expression}).";
}
