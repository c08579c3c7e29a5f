using Migrator.Model;
using Npgsql;

namespace Migrator.Messages;

/// <summary>
/// What preflight finds about the servers, whose the rows are and what can be replicated: faults that stop a promotion,
/// and warnings. Rights, reference tables and other objects have files of their own.
/// </summary>
static class PreflightMessages
{
    public static MigratorException Refusal(Slug slug, IReadOnlyList<string> faults) =>
        MigratorException.Refused(
            $"Preflight refuses to promote '{slug}'; nothing was changed. "
                + $"{(faults.Count == 1 ? "One fault" : $"{faults.Count} faults")} to fix first:\n"
                + string.Join("\n", faults.Select(fault => $"  • {fault.Replace("\n", "\n    ")}"))
                + $"\n'migrator promote --tenant-slug={slug} --dry-run' checks again and changes nothing."
        );

    public static string ServerTooOld(string side, int major) =>
        $"The {side} server runs PostgreSQL {major}; 14 or later is needed. Upgrade the server first.";

    public static string TargetOlder(int shared, int isolated) =>
        $"The isolated database's server runs PostgreSQL {isolated}, older than the shared server's {shared}. "
        + "Choose a server of the same version or a newer one with --target.";

    public static string IsStandby(NpgsqlConnectionStringBuilder server) =>
        $"{server.Host}:{server.Port} is a standby and accepts no writes. Connect to the primary.";

    public static string ToolsMissing(int major) =>
        $"This machine has no pg_dump and pg_restore of version {major} or later. "
        + $"Install postgresql-client-{major}, or set POSTGRES_BIN to the folder that holds them.";

    public static string SettingNamesNoTable(TableName name, string? place) =>
        $"tenancy.json{Wording.At(place)} names a table {name} that does not exist. Correct the name, or remove it.";

    public static string RuleDoesNotFit(TableName name, string? place, string why) =>
        $"The rule of {name} in tenancy.json{Wording.At(place)} does not fit: {why}";

    public static string NoSuchTable(TableName name) => $"there is no table {name}. Correct the name.";

    public static string NoSuchColumn(string column) => $"there is no column {column}. Correct the name.";

    public static string SecondRule() => "the table has another rule besides. Remove one of the two.";

    public static string CannotHoldTheKey(string column, string type) =>
        $"{column} has type {type}, which cannot hold the tenant's key. Name another column.";

    public static string NoSingleKeyTo(TableName parent, string? rule) =>
        $"no foreign key leads to {parent}, or several do. "
        + (rule is null ? "Add \"by\" with the columns." : $"Add \"by\" with the columns: {rule}.");

    public static string NoKeyOfTheParent(TableName parent, IReadOnlyList<string> key) =>
        $"\"by\" has to name all columns of the key of {parent} "
        + $"({Wording.Or(string.Join(", ", key), "it has none")}), each with a column of a fitting type.";

    public static string ClaimedByOthers(TableName name, long count, IReadOnlyList<string> samples, string cure) =>
        $"{count:N0} rows of {name} are this tenant's by one row or column and somebody else's by another "
        + $"({Wording.Foreign(string.Join("; ", samples))}): each row moves with one tenant. "
        + $"Correct the rows, or the rule of {name}. {cure}".TrimEnd();

    public static string NoKeyForTheType(TableName target, string id, IReadOnlyList<string> key) =>
        $"{id} does not compare with the key of {target} ({Wording.Or(string.Join(", ", key), "it has none")}): "
        + "the key has to be one column of a fitting type.";

    public static string CannotBeBlank(string column) =>
        $"{column} cannot be null, and so cannot be left out. Take it out of \"blank\".";

    public static string SharedNotStreamable(TableName table) =>
        $"{table} is shared with other tenants, and its changes cannot be replicated. "
        + $"Give {table} a primary key and REPLICA IDENTITY DEFAULT, or use --mode fenced.";

    /// <param name="values">The values, each with its rows.</param>
    /// <param name="entries">What "to" would have of them.</param>
    public static string UnknownTypes(
        TableName name,
        string? place,
        string column,
        IEnumerable<string> values,
        IEnumerable<string> entries
    ) =>
        $"{name}.{column} has values that the rule of {name} does not know: {Wording.Foreign(string.Join(", ", values))}. "
        + $"Add each to \"to\" with its table in tenancy.json{Wording.At(place)}: "
        + $"{Wording.Foreign(string.Join(", ", entries))}. A table of class \"ignored\" lets the rows of its type stay.";

    public static string LeadsToNoTenant(TableName parent) =>
        $"the rows of {parent} are no tenant's, or the rules lead in a circle. Correct the rule of one of the tables.";

    public static string SeveralTenantColumns(TableName name, IReadOnlyList<string> columns) =>
        $"{name} has several columns of \"tenant_columns\": {string.Join(", ", columns)}. "
        + $"Say which one names the tenant: \"tables\": {{ \"{name}\": {{ \"tenant\": \"{columns[0]}\" }} }}.";

    public static string UnenforcedRule(TableName name, TableName parent, long rows) =>
        $"No valid foreign key enforces that a row of {name} belongs to a row of {parent}; {rows:N0} rows have no such row and "
        + "stay in the shared database.";

    public static string DerivedPathUnknown(TableName name, string path, string? place, IEnumerable<string> keys) =>
        $"tenancy.json{Wording.At(place)} derives {name} by '{path}', which is not a foreign key from {name} to a tenant's table. "
        + $"Foreign keys to choose from: {Wording.Or(string.Join(", ", keys), "none")}. "
        + $"A parent without a foreign key: \"{name}\": {{ \"belongs_to\": \"schema.parent\", \"by\": {{ \"{path}\": \"id\" }} }} "
        + "under \"tables\" (docs/scope.md).";

    /// <param name="rules">Lines of tenancy.json for some of the tables, as names and rows suggest.</param>
    /// <param name="rest">The other tables.</param>
    public static string Unclassified(
        Slug slug,
        IEnumerable<TableName> tables,
        IEnumerable<string> tenantColumns,
        IReadOnlyCollection<string> rules,
        IReadOnlyCollection<TableName> rest
    )
    {
        var list = string.Join(", ", rest.Select(name => $"\"{name}\""));
        return $"The migrator cannot tell whose rows these tables hold: {string.Join(", ", tables)}. "
            + $"They have neither a column {string.Join(" or ", tenantColumns)} of a fitting type "
            + "nor a foreign key that leads to a tenant.\n"
            + (
                rules.Count == 0
                    ? ""
                    : "Names of columns, and rows, suggest these lines under \"tables\" in tenancy.json:\n"
                        + $"  {string.Join(",\n  ", rules)}\n"
            )
            + (
                rest.Count == 0
                    ? ""
                    : "Add each of the tables to one of these lists in tenancy.json "
                        + "(reference: all rows are copied, whoever they belong to; ignored: created empty, no rows copied):\n"
                        + $"  \"reference\": [{list}]\n  \"ignored\": [{list}]\n"
            )
            + $"'migrator scope --tenant-slug={slug} --suggest' proposes a whole tenancy.json.";
    }

    public static string ForeignTable(TableName name) =>
        $"{name} is a foreign table, or has a foreign partition, so its rows are stored elsewhere. "
        + $"Add {name} to \"ignored\" in tenancy.json.";

    public static string UnloggedTable(TableName name) =>
        $"{name} is unlogged: a crash of the isolated server empties the table, as a crash of the shared one would.";

    public static string TenantColumnOfOtherType(TableName name, string column, string type) =>
        $"{name}.{column} has type {type}, which cannot hold the tenant's key. "
        + "The table's foreign keys decide instead which rows are the tenant's.";

    public static string CollationDiffers(Slug slug, string here, string there) =>
        $"Database {slug.DatabaseName} has {there}, the shared database has {here}: text would sort and compare "
        + $"differently. Drop {slug.DatabaseName}, or create it again with {here}.";

    public static string TargetNotOurs(Slug slug, NpgsqlConnectionStringBuilder server) =>
        $"Database {slug.DatabaseName} on {server.Host}:{server.Port} is not empty and was not made for this tenant. "
        + "Rename or drop the database, or choose another server with --target.";

    public static string RowsWithoutTenant(TableName table, long rows) =>
        $"{table} has {rows:N0} rows that belong to no tenant. Those rows stay in the shared database.";

    public static string RowsOfEverybody(TableName table, long rows) =>
        $"{table} has {rows:N0} rows that name no tenant and are everybody's. Those rows are copied, and stay in the shared "
        + "database as well.";

    public static string RowsWithoutIndex(TableName table, string on) =>
        $"No index helps to find the tenant's rows of {table}: the copy and each comparison read whole tables. "
        + $"Before the promotion, run CREATE INDEX CONCURRENTLY ON {on}.";

    public static string ForeignKeyWithoutIndex(
        string name,
        TableName from,
        IReadOnlyList<string> columns,
        TableName to
    ) =>
        $"No index starts with the columns of foreign key {name} on {from}: "
        + $"rollback and finalize would scan {from} for each row of {to}. "
        + $"Before them, run CREATE INDEX CONCURRENTLY ON {from.Quoted} ({Sql.Identifiers(columns)}).";

    public static string OldTransaction(string session) =>
        $"An old transaction may delay the write guard and the replication slot: {session}. "
        + "End the transaction if nobody needs it.";

    public static string NoLogicalDecoding(string level) =>
        $"The shared server has wal_level={level}; an online promotion needs wal_level=logical "
        + "(on Cloud SQL: cloudsql.logical_decoding=on, and a restart). "
        + "Set it, or use --mode fenced, which pauses the tenant's writes for the whole copy.";

    public static string NoReplication(string role, NpgsqlConnectionStringBuilder server) =>
        $"Role {role} may not replicate from {server.Host}:{server.Port}. "
        + $"Run ALTER ROLE {Sql.Identifier(role)} REPLICATION there, or use --mode fenced.";

    public static string TooFewSlots(string side, int free) =>
        $"The {side} server has {free} free replication slots; an online promotion needs two. "
        + "Raise max_replication_slots, or drop slots that are not in use.";

    public static string TooFewSenders(string side, int free) =>
        $"The {side} server has {free} free WAL senders; an online promotion needs two. Raise max_wal_senders.";

    public const string UnlimitedLogKept =
        "max_slot_wal_keep_size has no limit on the shared server: if this process is killed, nobody watches the slot "
        + "(--max-wal), and the WAL that the slot keeps may fill the disk for all tenants. Set a limit of some 10 GB.";

    public static string LittleLogKept(int megabytes) =>
        $"max_slot_wal_keep_size is {megabytes} MB on the shared server. If the server writes more WAL than that "
        + "while the slot waits, the slot is lost and the copy starts again. Raise the setting for the promotion.";

    public static string NotStreamable(TableName table) =>
        $"{table} has no key to replicate changes by (no primary key, an unfit REPLICA IDENTITY, or unlogged). "
        + "The table is copied while the tenant's writes are paused.";

    public static string Noted(TableName table) =>
        $"{table} has no key to replicate changes by (no primary key, an unfit REPLICA IDENTITY, or unlogged). "
        + "The write guard notes the changed rows instead.";

    public static string NotStreamableButReferenced(TableName table, TableName from, string key) =>
        $"{from} refers to {table} ({key}), whose changes cannot be replicated. "
        + $"Give {table} a primary key and REPLICA IDENTITY DEFAULT, or use --mode fenced.";

    public static string LargeValue(TableName table, string column, long bytes) =>
        $"{table}.{column} has a value of {bytes / 1e6:N0} MB. The migrator needs about 2.5 times that in memory, besides the "
        + "100 MB or so that it takes anyway. Give its process, or the job of the stack, enough of it.";

    public static string TooLargeForThePause(TableName table, long rows) =>
        $"{table} has no key to replicate changes by, and about {rows:N0} rows of the tenant: "
        + "too many to copy while the tenant's writes are paused. Add a primary key, or use --mode fenced.";

    public static string TenantColumnNotComparable(TableName table, string column, string type) =>
        $"{table}.{column} has type {type}, whose values cannot be compared in the stream. Use --mode fenced.";

    public static string IsolatedOfAnother(Slug slug, DatabaseIdentity mark, DatabaseIdentity here) =>
        $"Database {slug.DatabaseName} was made from the shared database {mark.Name} "
        + $"(system {mark.System}, oid {mark.Oid}), but this shared database is {here.Name} "
        + $"(system {here.System}, oid {here.Oid}). {slug.DatabaseName} was not changed. "
        + "If this shared database is a copy, for example for staging, choose another server with --target. "
        + "If the shared database was moved or was restored here for good, "
        + $"{slug.DatabaseName} may hold the tenant's live rows: inspect both databases, then run this in "
        + $"{slug.DatabaseName}: UPDATE tenant_promotion.owner SET shared_system = {Sql.Literal(here.System)}, "
        + $"shared_oid = {here.Oid}, shared_name = {Sql.Literal(here.Name)}.";

    public static string IsolatedIsLive(Slug slug, long promotion) =>
        $"Database {slug.DatabaseName} says of itself that it is the live database of '{slug}' "
        + $"(promotion {promotion}), but the shared database has no record of that promotion. "
        + "The shared database may have been restored from a backup that is older than the flip. "
        + $"Nothing was changed. The rows in {slug.DatabaseName} are newer. To keep them, route the tenant there "
        + "(set its isolation mode to isolated in the shared database). "
        + $"Otherwise rename {slug.DatabaseName} and run the same command again.";

    public static string LooksLikeQueue(IReadOnlyList<TableName> tables) =>
        $"These tables look like queues: {string.Join(", ", tables)}. After the flip their workers have to poll the tenant's "
        + "database too, and leave the tenant's rows in the shared database alone: SET tenant_promotion.moved = 'skip' "
        + "(docs/applications.md).";

    public static string TenantColumnGenerated(TableName table, string column, string? rule) =>
        $"{table}.{column} is a generated column, which neither a trigger nor the change stream sees before a row is written. "
        + "Make it an ordinary column, or say in tenancy.json by which other row the rows are the tenant's: "
        + $"{rule ?? $"\"{table}\": {{ \"belongs_to\": \"schema.parent\" }}"} under \"tables\".";

    public static string RoutingNotWritable(string directory, string why) =>
        $"The routing document cannot be written to {directory}: {why} "
        + "Name a folder that can be written with --routing-dir, or as \"routing_dir\" in tenancy.json.";
}
