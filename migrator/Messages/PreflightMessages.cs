using Migrator.Model;
using Npgsql;

namespace Migrator.Messages;

/// <summary>What Preflight finds: faults that stop a promotion, and warnings.</summary>
static class PreflightMessages
{
    public static MigratorException Refusal(Slug slug, IReadOnlyList<string> faults) =>
        MigratorException.Refused(
            $"Preflight refuses to promote '{slug}', nothing was changed. {(faults.Count == 1 ? "One thing stands" : $"{faults.Count} things stand")} in the way:\n"
                + string.Join("\n", faults.Select(fault => $"  • {fault.Replace("\n", "\n    ")}"))
        );

    public static string ServerTooOld(string side, int major) =>
        $"The {side} server is PostgreSQL {major}; 14 or later is needed. Upgrade it first.";

    public static string TargetOlder(int shared, int isolated) =>
        $"The isolated database's server is PostgreSQL {isolated}, older than the shared one ({shared}). Choose a server of the same version or newer.";

    public static string IsStandby(NpgsqlConnectionStringBuilder server) =>
        $"{server.Host}:{server.Port} is a standby and takes no writes. Connect to the primary.";

    public static string ToolsMissing(int major) =>
        $"pg_dump and pg_restore {major} or later are not on this machine. Install postgresql-client-{major}, or point POSTGRES_BIN at the folder that holds them.";

    public static string SettingNamesNoTable(TableName name) =>
        $"tenancy.json names a table {name} that does not exist. Correct it, or take it out.";

    public static string DerivedPathUnknown(TableName name, string path, IEnumerable<string> keys) =>
        $"tenancy.json derives {name} by '{path}', which is no foreign key of it to a tenant's table. It has: {Wording.Or(string.Join(", ", keys), "none")}.";

    public static string Unclassified(IEnumerable<TableName> tables, string tenantColumn)
    {
        var names = tables.ToArray();
        var list = string.Join(", ", names.Select(name => $"\"{name}\""));
        return $"Nothing tells whose rows these tables hold: {string.Join(", ", names)}. They have no column {tenantColumn} of a fitting type and no foreign key that leads to a tenant.\n"
            + "Put each of them into one of these lines of tenancy.json (reference: copied whole; ignored: left behind, empty):\n"
            + $"  \"reference\": [{list}]\n  \"ignored\": [{list}]";
    }

    public static string ForeignTable(TableName name) =>
        $"{name} is a foreign table, or has a foreign partition. Its rows live elsewhere: list it under \"ignored\" in tenancy.json.";

    public static string UnloggedTable(TableName name) =>
        $"{name} is unlogged: a crash of the isolated server empties it, as it would the shared one.";

    public static string LargeObjects(TableName name, string column) =>
        $"{name}.{column} may refer to large objects, which are not copied. If it does, move them into bytea first.";

    public static string TenantColumnOfOtherType(TableName name, string column, string type) =>
        $"{name}.{column} is {type}, which cannot hold the tenant's key; the table is followed by its foreign keys instead.";

    public static string NoCreateOnDatabase(string role, string database) =>
        $"Role {role} may not create schemas and tables in {database}: GRANT CREATE ON DATABASE {Sql.Identifier(database)} TO {Sql.Identifier(role)}, and CREATE ON SCHEMA public.";

    public static string NoTemporaryOnDatabase(string role, string database) =>
        $"Role {role} may not create temporary tables in {database}, which a rollback needs: GRANT TEMPORARY ON DATABASE {Sql.Identifier(database)} TO {Sql.Identifier(role)}.";

    public static string NotOwner(string role, string owner, IEnumerable<TableName> tables) =>
        $"Role {role} neither owns nor is a member of the owner of {Wording.List(tables)}: GRANT {Sql.Identifier(owner)} TO {Sql.Identifier(role)}.";

    public static string ObjectsNotOwned(string role, string owner, IReadOnlyList<string> objects) =>
        $"Role {role} could not give these to their owner {owner} in the new database: {string.Join(", ", objects.Take(5))}{(objects.Count > 5 ? $" and {objects.Count - 5} more" : "")}. "
        + $"GRANT {Sql.Identifier(owner)} TO {Sql.Identifier(role)}, or give them to a role that {role} is a member of.";

    public static string NotMemberOnTarget(string role, string owner, NpgsqlConnectionStringBuilder server) =>
        $"On {server.Host}:{server.Port} role {role} may not become {owner}, which is to own objects there: GRANT {Sql.Identifier(owner)} TO {Sql.Identifier(role)}.";

    public static string SequenceNotOwned(string role, TableName sequence) =>
        $"Role {role} does not own sequence {sequence}, nor is it a member of its owner. Grant it that role.";

    public static string ForcedRowSecurity(string role, TableName table) =>
        $"{table} has FORCE ROW LEVEL SECURITY, which hides rows even from its owner: ALTER ROLE {Sql.Identifier(role)} BYPASSRLS, or ALTER TABLE {table.Quoted} NO FORCE ROW LEVEL SECURITY.";

    public static string UntrustedFunction(string function) =>
        $"Function {function} is written in a language that only a superuser may use, and belongs to no extension. Package it as an extension, or drop it.";

    public static string RolesMissing(string role, IReadOnlyList<string> missing) =>
        $"The isolated database's server lacks the roles {string.Join(", ", missing)}, and {role} may not create them. Create them there, or ALTER ROLE {Sql.Identifier(role)} CREATEROLE.";

    public static string NoApplicationRole(string role) =>
        $"There is no role {role} to validate access with. Name the application's role in tenancy.json as \"application_role\".";

    public static string NoCreateDb(string role) =>
        $"Role {role} may not create databases on the isolated database's server: ALTER ROLE {Sql.Identifier(role)} CREATEDB, or create the database for it.";

    public static string CollationDiffers(Slug slug, string here, string there) =>
        $"Database {slug.DatabaseName} exists with {there}, the shared one has {here}; text would sort and compare differently. Drop it, or create it anew alike.";

    public static string TargetNotOurs(Slug slug, NpgsqlConnectionStringBuilder server) =>
        $"Database {slug.DatabaseName} on {server.Host}:{server.Port} is not empty and was not made for this tenant. Move it out of the way, or choose another server with --target.";

    public static string ExtensionMissing(string extension) =>
        $"Extension {extension} is not available on the isolated database's server. Install its package there.";

    public static string ExtensionNotCreatable(string extension, Slug slug) =>
        $"Only a superuser may create extension {extension} on the isolated database's server. Create database {slug.DatabaseName} with it, or have it trusted.";

    public static string CrossTenantReference(
        TableName table,
        TableName parent,
        string constraint,
        long count,
        IReadOnlyList<string> samples
    ) =>
        $"{count:N0} rows of {table} refer to rows of {parent} that are not this tenant's (constraint {constraint}), such as {string.Join("; ", samples)}. Correct them: the reference could not be kept.";

    public static string ReferencedByOthers(
        TableName table,
        TableName parent,
        string constraint,
        long count,
        IReadOnlyList<string> samples
    ) =>
        $"{count:N0} rows of {table} that are not this tenant's refer to its rows in {parent} (constraint {constraint}), such as {string.Join("; ", samples)}. Correct them: they would stop finalize.";

    public static string RowsWithoutTenant(TableName table, long rows) =>
        $"{table} has {rows:N0} rows that belong to no tenant; they stay in the shared database.";

    public static string ForeignKeyWithoutIndex(
        string name,
        TableName from,
        IReadOnlyList<string> columns,
        TableName to
    ) =>
        $"No index leads with the columns of {name} on {from}; rollback and finalize would search the table for each row of {to}. "
        + $"Before those: CREATE INDEX CONCURRENTLY ON {from.Quoted} ({Sql.Identifiers(columns)}).";

    public static string EventTrigger(string trigger) =>
        $"Event trigger {trigger} fires on the guard's triggers in the shared database; it is not cloned.";

    public static string Publication(string publication) =>
        $"Publication {publication} is not cloned; its subscribers see the deletes of finalize.";

    public static string OldTransaction(string session) =>
        $"A transaction older than a minute may hold up the write guard: {session}.";

    public static string NoLogicalDecoding(string level) =>
        $"The shared server has wal_level={level}; promoting while the tenant works takes logical (on Cloud SQL: cloudsql.logical_decoding=on, and a restart). Set it, or accept a pause as long as the copy with --mode fenced.";

    public static string NoReplication(string role, NpgsqlConnectionStringBuilder server) =>
        $"Role {role} may not replicate from {server.Host}:{server.Port}: ALTER ROLE {Sql.Identifier(role)} REPLICATION, or promote with --mode fenced.";

    public static string TooFewSlots(string side, int free) =>
        $"The {side} server has {free} free replication slots, two are needed. Raise max_replication_slots, or drop what nobody uses.";

    public static string TooFewSenders(string side, int free) =>
        $"The {side} server has {free} free wal senders, two are needed. Raise max_wal_senders.";

    public static string LittleLogKept(int megabytes) =>
        $"max_slot_wal_keep_size is {megabytes} MB on the shared server: when more is written during the promotion, the slot is lost and the copy begins anew.";

    public static string NotStreamable(TableName table) =>
        $"{table} has no key by which its changes could be followed (no primary key, an unfit REPLICA IDENTITY, or unlogged): it is copied while the tenant's writes wait.";

    public static string NotStreamableButReferenced(TableName table, TableName from, string key) =>
        $"{table} is referred to by {from} ({key}), and its changes cannot be followed. Give it REPLICA IDENTITY DEFAULT and a primary key, or promote with --mode fenced.";

    public static string TooLargeForThePause(TableName table, long rows) =>
        $"{table} has no key by which its changes could be followed, and about {rows:N0} rows of the tenant: too many to copy while its writes wait. Add a primary key, or promote with --mode fenced.";

    public static string TenantColumnNotComparable(TableName table, string column, string type) =>
        $"{table}.{column} is {type}, by which changes cannot be told apart in the stream. Promote with --mode fenced.";

    public static string IsolatedOfAnother(Slug slug, DatabaseIdentity mark, DatabaseIdentity here) =>
        $"Database {slug.DatabaseName} was made from the shared database {mark.Name} (system {mark.System}, oid {mark.Oid}), "
        + $"and this is {here.Name} (system {here.System}, oid {here.Oid}). Nothing was changed there. "
        + "If this is a copy of the other, for staging say, name another server with --target. "
        + $"If the shared database has moved here for good, or was restored here, {slug.DatabaseName} may hold the tenant's live rows: "
        + "look at both, and adopt it by running there: UPDATE tenant_promotion.owner SET "
        + $"shared_system = {Sql.Literal(here.System)}, shared_oid = {here.Oid}, shared_name = {Sql.Literal(here.Name)}.";

    public static string IsolatedIsLive(Slug slug, long promotion) =>
        $"Database {slug.DatabaseName} says of itself that it is the live database of '{slug}' (promotion {promotion}), "
        + "and the shared database does not know that: it may have been restored from a backup that is older than the flip. "
        + $"Nothing was changed. The rows in {slug.DatabaseName} are newer. Route the tenant there "
        + $"(set its isolation mode to isolated in the shared database), or rename {slug.DatabaseName} if its rows are not wanted, "
        + "then run the command again.";
}
