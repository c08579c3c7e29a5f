using Migrator.Model;

namespace Migrator.Messages;

/// <summary>What preflight finds about objects besides tables: functions, checks, rules, extensions, settings, publications.</summary>
static class ObjectMessages
{
    public static string ExtensionMissing(string extension) =>
        $"Extension {extension} is not available on the isolated database's server. Install its package there.";

    public static string ExtensionNotCreatable(string extension, Slug slug) =>
        $"Only a superuser may create extension {extension} on the isolated database's server. "
        + $"Create database {slug.DatabaseName} with the extension, or make the extension a trusted one.";

    public static string EventTrigger(string trigger) =>
        $"Event trigger {trigger} is not cloned. The guard's triggers make it fire in the shared database.";

    public static string Publication(string publication) =>
        $"Publication {publication} is not cloned. Its subscribers receive the deletes of finalize.";

    public static string DefaultPrivilegesStay(string role) =>
        $"Default privileges of {role} are not copied: the migrator's role is not a member of that role.";

    public static string LimitsGoAlong(IReadOnlyList<string> settings) =>
        $"Settings of the shared database limit its sessions, and are copied: {string.Join("; ", settings)}. "
        + "The migrator's own sessions run without these timeouts. Reset in the isolated database what the tenant is not to have.";

    public static string RoleSettingsStay(IReadOnlyList<string> statements) =>
        "Settings of roles that hold in all databases are not copied to the other server. "
        + $"If the application relies on them, run there: {string.Join("; ", statements)}.";

    public static string FunctionNeedsSearchPath(
        TableName table,
        string expression,
        string failure,
        IReadOnlyList<string> functions,
        string path
    )
    {
        var cures = string.Join(
            " ",
            functions.Select(function => $"ALTER FUNCTION {function} SET search_path = {path};")
        );
        return $"The {expression} of {table} calls a function that depends on the session's search path ({failure}). "
            + "Sessions of pg_restore and of the migrator have another path than the application's, so give the function its "
            + $"own: {cures}";
    }

    public static string CheckReadsTable(TableName table, string constraint, string read, string expression) =>
        $"The CHECK {constraint} of {table} calls a function that reads {read}, "
        + "which may still be empty when the copied rows are judged. Let it judge new rows only: "
        + $"ALTER TABLE {table.Quoted} DROP CONSTRAINT {Sql.Identifier(constraint)}, "
        + $"ADD CONSTRAINT {Sql.Identifier(constraint)} CHECK ({expression}) NOT VALID.";

    public static string RewriteRule(TableName table, string rule) =>
        $"Rule {rule} rewrites statements on {table}: rows that finalize deletes or a rollback writes could become others. "
        + $"Replace it by a trigger, or switch it off: ALTER TABLE {table.Quoted} DISABLE RULE {Sql.Identifier(rule)}.";

    public static string LargeObjects(TableName table, string column, long rows) =>
        $"{rows:N0} rows of {table} name large objects in column {column}. Large objects are not copied: the isolated database "
        + $"would have their numbers only. Convert the column to bytea (lo_get reads a large object), or add {table} to "
        + "\"ignored\" in tenancy.json.";

    public static string MaybeLargeObjects(TableName table, string column) =>
        $"{table}.{column} may refer to large objects, which are not copied. No row of this tenant names one now.";

    public static MigratorException KeyOfStranger(string key, string table, string owner, string referred) =>
        new(
            ExitCode.Failed,
            $"Foreign key {key} of {table}, which belongs to {owner}, refers to {referred}. To delete rows there or to change what "
                + $"the key refers to would run what {owner} has put on its own table with the migrator's rights. Nothing of "
                + $"that was run. Have {owner} or a superuser run ALTER TABLE {table} DROP CONSTRAINT {Sql.Identifier(key)}, and "
                + $"take the right REFERENCES on {referred} from {owner}. Then run the same command again."
        );

    public static string PreparedHolds(string transaction, string tables) =>
        $"A lock on {tables} is held by {transaction}. No session can end that transaction by itself, and the write guard would "
        + "wait for it.";
}
