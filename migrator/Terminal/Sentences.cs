using Migrator.Journal;
using Migrator.Model;
using Migrator.Scope;
using Migrator.Settings;
using Migrator.Streaming;
using Migrator.Validation;
using Migrator.Verification;
using Npgsql;

namespace Migrator.Terminal;

/// <summary>Every sentence that tells a person what is wrong. Each ends with what to do next.</summary>
public static class Sentences
{
    // ---- what was typed -------------------------------------------------------------------------------------------------------

    public static string SlugInvalid(string text) =>
        $"'{text}' is not a tenant slug: lower-case letters, digits and single hyphens inside, at most {Slug.MaxLength} characters, as in acme-corp.";

    public static string ConfirmationNeeded(string verb, Slug? slug) =>
        $"'{verb}' changes databases and nobody is there to ask. Say --confirm: migrator {verb}{(slug is null ? "" : $" --tenant-slug={slug}")} --confirm";

    public static string NotConfirmed(string verb) => $"Nothing was changed: '{verb}' was not confirmed.";

    public static MigratorException SettingsFileMissing(string file) =>
        Usage($"There is no settings file {file}. Leave --settings out to run with the defaults.");

    public static MigratorException SettingsFileUnreadable(string file, Exception e) =>
        Usage($"{file} is not valid JSON: {(e.InnerException ?? e).Message} Mend the file and run the command again.");

    public static MigratorException SettingUnknown(string file, string key, IEnumerable<string> known) =>
        Usage($"{file} has a key '{key}' that means nothing here. Known are: {string.Join(", ", known)}.");

    public static MigratorException ConnectionSettingInvalid(string whole, string prefix) =>
        Usage(
            $"The connection settings {whole} or {prefix}HOST, {prefix}PORT, … cannot be read. A port is a number; a connection string reads Host=…;Port=…;Database=…;Username=…."
        );

    public static MigratorException TargetInvalid() =>
        Usage(
            "--target takes host or host:port. User and password of that server come from TARGET_DB_USER and TARGET_DB_PASSWORD."
        );

    // ---- what a pull request asks for -----------------------------------------------------------------------------------------

    public static MigratorException EventUnreadable(string file, Exception e) =>
        Usage(
            $"{file} is no event of a pull request: {OneLine(e.Message)} Give the file that GITHUB_EVENT_PATH names."
        );

    public static MigratorException NoTenantNamed(string label) =>
        Usage(
            $"The pull request names no tenant. Put on the label {label}:acme-corp, or {label} with a title '[TENANT: acme-corp] …', or write a line 'Tenant: acme-corp' into its text."
        );

    public static MigratorException TenantsNamedDiffer(IEnumerable<(string Source, Slug Slug)> named) =>
        Usage(
            $"The pull request names different tenants: {string.Join(", ", named.Distinct().Select(mention => $"{mention.Slug} ({mention.Source})"))}. Leave one of them."
        );

    public static MigratorException NamedTenantInvalid(string source, string text) =>
        Usage($"In the {source}: {SlugInvalid(OneLine(text))}");

    public static MigratorException StackNotCommitted(Slug slug) =>
        Usage(
            $"Tenant '{slug}' has no committed stack: Pulumi.{slug}.yaml is missing. Commit it first, or correct the slug."
        );

    public static MigratorException StackOutputsUnreadable(string file, Slug slug, Exception e) =>
        Usage(
            $"{file} does not hold the outputs of a tenant's stack: {OneLine(e.Message)} Write it with 'pulumi stack output --json --stack {slug}'."
        );

    public static MigratorException StackOutputsOfAnother(string file, Slug slug, string other) =>
        Usage(
            $"{file} holds the outputs of tenant '{OneLine(other)}', not of '{slug}'. Write it with 'pulumi stack output --json --stack {slug}'."
        );

    public static MigratorException StackEndpointUnknown(string endpoint, string prefix) =>
        Usage(
            $"The stack's API is '{OneLine(endpoint)}', which does not begin with '{prefix}'. Deploy the stack with this version's infra, then write its outputs again."
        );

    // A log's line may be a command to whoever reads the log: text of strangers never begins one, and is never long.
    static string OneLine(string text)
    {
        var line = string.Concat(text.Take(100).Select(c => char.IsControl(c) ? ' ' : c)).TrimEnd();
        return text.Length > 100 ? line + "…" : line;
    }

    // ---- the tenant -----------------------------------------------------------------------------------------------------------

    public static MigratorException TenantNotFound(Slug slug, IReadOnlyList<string> similar) =>
        Usage(
            similar.Count switch
            {
                0 =>
                    $"Tenant '{slug}' not found, nor any that begins with '{slug.Text[0]}'. Check the slug, and that DB_NAME is the shared database.",
                1 => $"Tenant '{slug}' not found. Did you mean '{similar[0]}'?",
                _ =>
                    $"Tenant '{slug}' not found. {similar.Count} tenants begin with '{CommonStart(slug.Text, similar[0])}': {string.Join(", ", similar.Take(5))}{(similar.Count > 5 ? ", …" : "")}. 'migrator list' shows all.",
            }
        );

    public static MigratorException TenantAmbiguous(Slug slug, int rows, Tenancy tenancy) =>
        Refused(
            $"{rows} rows of {tenancy.Table} have the slug '{slug}'. Make {tenancy.SlugColumn} unique, or name the right column in tenancy.json (tenants.slug)."
        );

    public static MigratorException TenantsTableMissing(Tenancy tenancy, string database) =>
        Refused(
            $"Database {database} has no table {tenancy.Table} that this role may see. Name yours in tenancy.json: {{\"tenants\": {{\"table\": \"schema.name\"}}}}."
        );

    public static MigratorException TenantsColumnMissing(Tenancy tenancy, string column, string? definition) =>
        Refused(
            $"Table {tenancy.Table} has no column {column}. "
                + (
                    definition is null
                        ? "Name the key and slug columns in tenancy.json: {\"tenants\": {\"key\": \"…\", \"slug\": \"…\"}}."
                        : $"Add it (ALTER TABLE {tenancy.Table.Quoted} ADD COLUMN {Sql.Identifier(column)} {definition}), or name yours in tenancy.json under tenants."
                )
        );

    public static MigratorException AlreadyIsolated(Slug slug) =>
        Refused(
            $"Tenant '{slug}' is isolated already. 'migrator status --tenant-slug={slug}' shows where; 'migrator rollback --tenant-slug={slug}' brings it back."
        );

    public static string UnknownMode(Slug slug, string mode) =>
        $"Tenant '{slug}' has isolation mode '{mode}', which is neither shared nor isolated. Set it to shared if that is what it is.";

    public static MigratorException Busy(Slug slug) =>
        new(
            ExitCode.Busy,
            $"Another run holds tenant '{slug}'. Wait until it ends, or look at it with 'migrator status --tenant-slug={slug}'."
        );

    public static MigratorException Superseded(Slug slug) =>
        new(
            ExitCode.Busy,
            $"A newer run has taken tenant '{slug}' over; this one stops. See 'migrator status --tenant-slug={slug}'."
        );

    // ---- preflight ------------------------------------------------------------------------------------------------------------

    public static MigratorException Refusal(Slug slug, IReadOnlyList<string> faults) =>
        Refused(
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

    public static string DerivedPathUnknown(TableName name, string path, IEnumerable<ForeignKey> keys) =>
        $"tenancy.json derives {name} by '{path}', which is no foreign key of it to a tenant's table. It has: {Or(string.Join(", ", keys.Select(key => $"{string.Join(",", key.FromColumns)} → {key.To}")), "none")}.";

    public static string Unclassified(IEnumerable<TableName> tables, Tenancy tenancy)
    {
        var names = tables.ToArray();
        var list = string.Join(", ", names.Select(name => $"\"{name}\""));
        return $"Nothing tells whose rows these tables hold: {string.Join(", ", names)}. They have no column {tenancy.TenantColumn} of a fitting type and no foreign key that leads to a tenant.\n"
            + "Put each of them into one of these lines of tenancy.json (reference: copied whole; ignored: left behind, empty):\n"
            + $"  \"reference\": [{list}]\n  \"ignored\": [{list}]";
    }

    public static string ForeignTable(TableName name) =>
        $"{name} is a foreign table, or has a foreign partition. Its rows live elsewhere: list it under \"ignored\" in tenancy.json.";

    public static string UnloggedTable(TableName name) =>
        $"{name} is unlogged: a crash of the isolated server empties it, as it would the shared one.";

    public static string LargeObjects(TableName name, string column) =>
        $"{name}.{column} may refer to large objects, which are not copied. If it does, move them into bytea first.";

    public static string TenantColumnOfOtherType(TableName name, Column column) =>
        $"{name}.{column.Name} is {column.TypeText}, which cannot hold the tenant's key; the table is followed by its foreign keys instead.";

    public static string NoCreateOnDatabase(string role, string database) =>
        $"Role {role} may not create schemas and tables in {database}: GRANT CREATE ON DATABASE {Sql.Identifier(database)} TO {Sql.Identifier(role)}, and CREATE ON SCHEMA public.";

    public static string NoTemporaryOnDatabase(string role, string database) =>
        $"Role {role} may not create temporary tables in {database}, which a rollback needs: GRANT TEMPORARY ON DATABASE {Sql.Identifier(database)} TO {Sql.Identifier(role)}.";

    public static string NotOwner(string role, string owner, IEnumerable<TableName> tables) =>
        $"Role {role} neither owns nor is a member of the owner of {List(tables)}: GRANT {Sql.Identifier(owner)} TO {Sql.Identifier(role)}.";

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
        ForeignKey key,
        long count,
        IReadOnlyList<string> samples
    ) =>
        $"{count:N0} rows of {table} refer to rows of {key.To} that are not this tenant's (constraint {key.Name}), such as {string.Join("; ", samples)}. Correct them: the reference could not be kept.";

    public static string ReferencedByOthers(
        TableName table,
        ForeignKey key,
        long count,
        IReadOnlyList<string> samples
    ) =>
        $"{count:N0} rows of {table} that are not this tenant's refer to its rows in {key.To} (constraint {key.Name}), such as {string.Join("; ", samples)}. Correct them: they would stop finalize.";

    public static string RowsWithoutTenant(TableName table, long rows) =>
        $"{table} has {rows:N0} rows that belong to no tenant; they stay in the shared database.";

    public static string ForeignKeyWithoutIndex(ForeignKey key) =>
        $"No index leads with the columns of {key.Name} on {key.From}; rollback and finalize would search the table for each row of {key.To}. "
        + $"Before those: CREATE INDEX CONCURRENTLY ON {key.From.Quoted} ({Sql.Identifiers(key.FromColumns)}).";

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

    public static string NotStreamableButReferenced(TableName table, ForeignKey key) =>
        $"{table} is referred to by {key.From} ({key.Name}), and its changes cannot be followed. Give it REPLICA IDENTITY DEFAULT and a primary key, or promote with --mode fenced.";

    public static string TooLargeForThePause(TableName table, long rows) =>
        $"{table} has no key by which its changes could be followed, and about {rows:N0} rows of the tenant: too many to copy while its writes wait. Add a primary key, or promote with --mode fenced.";

    public static string TenantColumnNotComparable(TableName table, Column column) =>
        $"{table}.{column.Name} is {column.TypeText}, by which changes cannot be told apart in the stream. Promote with --mode fenced.";

    // ---- on the way -----------------------------------------------------------------------------------------------------------

    public static MigratorException Unreachable(NpgsqlException e) =>
        new(
            ExitCode.Failed,
            $"A server cannot be reached: {Chain(e)}. Check host, port and network, then run the same command again.",
            e
        )
        {
            Transient = true,
        };

    public static MigratorException NoSuchDatabase(PostgresException e) =>
        new(
            ExitCode.Refused,
            $"{Capital(e.MessageText)}. Check DB_NAME and TARGET_DB_NAME, then run the same command again.",
            e
        );

    public static MigratorException LoginRefused(PostgresException e) =>
        new(
            ExitCode.Refused,
            $"The server refuses the login: {e.MessageText}. Check DB_USER, DB_PASSWORD (TARGET_DB_USER, TARGET_DB_PASSWORD) and pg_hba.conf.",
            e
        );

    public static MigratorException DiskFull(PostgresException e) =>
        new(
            ExitCode.Failed,
            $"The server's disk is full: {e.MessageText}. Make room, then run the same command again; what was copied stays.",
            e
        );

    public static MigratorException ServerSaid(PostgresException e) =>
        new(
            ExitCode.Failed,
            $"The server refuses a statement ({e.SqlState}): {e.MessageText}{(e.Detail is { Length: > 0 } detail ? $" {detail}" : "")}. Mend the cause and run the same command again, or roll back.",
            e
        )
        {
            Transient = e.IsTransient,
        };

    public static MigratorException Bug(Exception e) =>
        new(
            ExitCode.Failed,
            $"This should not have happened ({e.GetType().Name}): {e.Message} Run the same command again with --verbose and report what it prints.",
            e
        );

    public static MigratorException Lost(string what) =>
        new(
            ExitCode.Failed,
            $"The connection that holds the tenant's lock was lost ({what}). Run the same command again."
        )
        {
            Transient = true,
        };

    public static string Retrying(string message, TimeSpan delay) =>
        $"{message} Trying again in {delay.TotalSeconds:0} s.";

    public static MigratorException LeftoverSessions(Slug slug) =>
        new(
            ExitCode.Failed,
            $"Sessions of an earlier run are still connected to {slug.DatabaseName} and do not end. Terminate them (application_name tp/{slug}) and run the same command again."
        );

    public static MigratorException TableLocked(TableName table, Exception e) =>
        new(
            ExitCode.Failed,
            $"Table {table} is locked by others all the time, and cannot be had without making them wait. Run the same command again at a quieter moment.",
            e
        );

    public static MigratorException GuardCannotClose(Slug slug, TimeSpan timeout, IReadOnlyList<string> holders) =>
        new(
            ExitCode.Failed,
            $"Transactions of tenant '{slug}' stay open longer than {timeout.TotalSeconds:0.#} s, so its writes go on where they are: {Or(string.Join("; ", holders), "they have just ended")}. "
                + "End them, or allow a longer --max-pause, and run the same command again."
        );

    public static string GuardRetries(TimeSpan timeout, int attempt, int attempts, IReadOnlyList<string> holders) =>
        $"The guard did not close within {timeout.TotalSeconds:0.#} s (attempt {attempt} of {attempts}); the tenant's writes go on. Waiting for: {Or(string.Join("; ", holders), "nobody any more")}.";

    public static string RoleWithoutPassword(string role, Target target) =>
        $"Role {role} was created on {target.Host}:{target.Port} without a password: set one there (ALTER ROLE {Sql.Identifier(role)} PASSWORD …) before the application connects.";

    public static string SettingNotCopied(string setting, string why) =>
        $"The database setting {setting} was not copied: {why}.";

    public static MigratorException ToolFailed(string tool, string error) =>
        new(ExitCode.Failed, $"{tool} failed: {error} Mend the cause and run the same command again, or roll back.")
        {
            Transient =
                error.Contains("server closed the connection", StringComparison.Ordinal)
                || error.Contains("connection to server", StringComparison.Ordinal)
                || error.Contains("terminating connection", StringComparison.Ordinal),
        };

    public static MigratorException SchemaChanged(Slug slug, string? what = null) =>
        new(
            ExitCode.Failed,
            $"The shared database's schema has changed since the promotion began{(what is null ? "" : $" ({what})")}; the isolated one would be out of date. "
                + $"Run 'migrator rollback --tenant-slug={slug} --confirm', then promote again."
        );

    public static MigratorException TargetMoved(Slug slug, Target target) =>
        Usage(
            $"The promotion of '{slug}' under way goes to {target.Host}:{target.Port}. Point the settings there again, or roll it back first."
        );

    public static MigratorException RollbackUnderWay(Slug slug) =>
        Usage(
            $"A rollback of '{slug}' is under way. Finish it with 'migrator rollback --tenant-slug={slug} --confirm'."
        );

    public static MigratorException Interrupted(string verb, Slug slug) =>
        new(
            ExitCode.Interrupted,
            $"Interrupted. 'migrator {verb} --tenant-slug={slug} --confirm' goes on from here; 'migrator status --tenant-slug={slug}' shows where that is."
        );

    public static string GuardLeftClosed(Slug slug) =>
        $"The write guard may still be closed for '{slug}': its writes fail until 'migrator promote' goes on or 'migrator rollback --tenant-slug={slug} --confirm' opens it.";

    public static string GuardOpened(Slug slug) => $"The write guard is open: '{slug}' goes on in the shared database.";

    // ---- the change stream ----------------------------------------------------------------------------------------------------

    public static MigratorException PublicationWouldRefuseWrites(TableName table, PostgresException e) =>
        new(
            ExitCode.Refused,
            $"As part of a publication {table} would refuse writes of the application: {e.MessageText}. Give it a fitting REPLICA IDENTITY (the primary key), or promote with --mode fenced.",
            e
        );

    public static string CatchingUp(long changes, TimeSpan behind) =>
        $"{changes:N0} changes applied; the last round took {behind.TotalSeconds:0.0} s.";

    public static MigratorException CannotCatchUp(Slug slug) =>
        new(
            ExitCode.Failed,
            $"'{slug}' changes faster than its changes can be applied. The stream goes on where it is: run the same command again at a quieter time, or with --mode fenced after a rollback."
        );

    public static MigratorException CannotFollowHome(Slug slug, Exception? e = null) =>
        new(
            ExitCode.Failed,
            $"The changes of '{slug}' come home more slowly than new ones are made: others hold the tables of the shared database for too long.",
            e
        )
        {
            StreamLost = true,
        };

    public static string NoWayBackByStream(Target target) =>
        $"The isolated database's server ({target.Host}:{target.Port}) has no wal_level=logical: a rollback will compare all rows instead of following a stream, and pause the tenant's writes meanwhile.";

    public static MigratorException SlotWaits(IReadOnlyList<string> holders, Exception? e) =>
        new(
            ExitCode.Failed,
            $"A replication slot begins when all open transactions of its server have ended, and these do not: {Or(string.Join("; ", holders), "they have just ended")}. End them and run the same command again.",
            e
        )
        {
            Transient = true,
        };

    public static MigratorException SlotInUse(string name) =>
        new(
            ExitCode.Failed,
            $"Somebody else keeps reading from the replication slot {name}. End that session (pg_replication_slots.active_pid) and run the same command again."
        );

    public static MigratorException ReplicationRefused(PostgresException e) =>
        new(
            ExitCode.Failed,
            $"The server refuses a replication connection: {e.MessageText}. The role needs REPLICATION (on Cloud SQL: ALTER ROLE … REPLICATION), the server a free wal sender. Then run the same command again.",
            e
        )
        {
            Transient = e.IsTransient || e.SqlState == PostgresErrorCodes.TooManyConnections,
        };

    public static MigratorException SlotLost(Slug slug, Exception? e = null) =>
        new(
            ExitCode.Failed,
            $"The replication slot of '{slug}' is gone, or its log was removed (max_slot_wal_keep_size): changes are missing, so the copy is given up. The tenant goes on where it is. "
                + $"Raise max_slot_wal_keep_size, or promote at a quieter time; 'migrator promote --tenant-slug={slug} --confirm' copies anew.",
            e
        )
        {
            StreamLost = true,
        };

    public static MigratorException TooMuchLog(Slug slug, long held, long limit) =>
        new(
            ExitCode.Failed,
            $"The replication slot of '{slug}' held {held / 1e6:N0} MB of write-ahead log on the source, more than --max-wal allows ({limit / 1e6:N0} MB), and was dropped so that the disk does not fill. "
                + $"The tenant goes on where it is. Allow more, or promote at a quieter time; 'migrator promote --tenant-slug={slug} --confirm' copies anew."
        )
        {
            StreamLost = true,
        };

    public static string MuchLog(long held, long limit) =>
        $"The replication slot holds {held / 1e6:N0} MB of write-ahead log on the shared server, half of what --max-wal allows ({limit / 1e6:N0} MB).";

    public static string CopiesAnew(Slug slug) => $"The change stream of '{slug}' broke off: its rows are copied anew.";

    public static string ComparesInstead(string why) =>
        $"The stream does not lead home: {why} All rows are compared instead, and the tenant's writes pause meanwhile.";

    public static MigratorException StreamDiverged(Slug slug, string what, Exception? e = null) =>
        new(ExitCode.Different, $"A change of '{slug}' does not fit the rows in the shared database: {what}", e)
        {
            StreamLost = true,
        };

    // ---- verification ---------------------------------------------------------------------------------------------------------

    public static MigratorException Different(
        Slug slug,
        IReadOnlyList<TableComparison> tables,
        IReadOnlyList<RowDifference> rows,
        bool flipped = false
    ) =>
        new(
            ExitCode.Different,
            $"The two sides of '{slug}' differ{(tables.Count == 0 ? "" : " in ")}{string.Join(", ", tables.Select(table => $"{table.Table.Name} ({table.Shared.Rows:N0} rows shared, {table.Isolated.Rows:N0} isolated)"))}:\n"
                + string.Join("\n", rows.Select(row => $"  • {row.Table}: {row.Key} {Describe(row.Kind)}"))
                + (
                    flipped
                        ? $"\nThe tenant is flipped: its writes since then are in the isolated database alone, and these rows as they were at the flip in the shared one. {SettleByHand(slug)}"
                        : $"\nNothing was flipped. Find out who wrote there; 'migrator rollback --tenant-slug={slug} --confirm' clears the copy, 'migrator promote' then copies anew."
                )
        );

    public static MigratorException DifferedAtFlip(Slug slug, IEnumerable<string> tables) =>
        new(
            ExitCode.Different,
            $"At the flip of '{slug}' the two sides differed in {string.Join(", ", tables)}. {SettleByHand(slug)}"
        );

    static string SettleByHand(Slug slug) =>
        $"Find out who wrote there and put the rows right in the isolated database: a rollback brings home what stands there. Then 'migrator finalize --tenant-slug={slug} --force', or the rollback.";

    public static MigratorException CannotDrop(Slug slug, IReadOnlyList<string> sessions, Exception e) =>
        new(
            ExitCode.Failed,
            $"Database {slug.DatabaseName} is still there, for it has sessions that are not the migrator's to end: {Or(string.Join(", ", sessions), "none any more")}. End them and run the same command again.",
            e
        );

    public static MigratorException NothingToVerify(Slug slug) =>
        Refused($"There is no promotion of '{slug}' whose sides could be compared. Promote it first.");

    public static MigratorException VerifiesItself(Slug slug) =>
        Refused(
            $"'{slug}' is being promoted while it works: its copy is a moment behind. 'migrator promote --tenant-slug={slug}' compares every row at one exact point before it flips."
        );

    public static MigratorException SharedCopyChanged(Slug slug, IReadOnlyList<TableComparison> tables) =>
        new(
            ExitCode.Different,
            $"The shared copy of '{slug}' has changed since it was verified, in {string.Join(", ", tables.Select(table => table.Table.Name))}. "
                + "Somebody passed the write guard there (a superuser?): find out who before you roll back or finalize."
        );

    public static MigratorException CountChanged(TableName table, long then, long now) =>
        new(
            ExitCode.Different,
            $"{table} had {then:N0} rows in the isolated database when it was verified and has {now:N0} now. Somebody writes there: find out who, roll back and promote again."
        );

    public static MigratorException ValidationFailed(Slug slug, IReadOnlyList<Check> failed) =>
        new(
            failed.Any(check => check.Area == "data integrity") ? ExitCode.Different : ExitCode.Failed,
            $"'{slug}' is isolated, but validation found: {string.Join("; ", failed.Select(check => $"{check.Area}, {check.Name}: {check.Detail}"))}. "
                + $"Mend it and run 'migrator promote --tenant-slug={slug} --confirm' to validate again, or 'migrator rollback --tenant-slug={slug} --confirm'."
        );

    // ---- rollback and finalize ------------------------------------------------------------------------------------------------

    public static MigratorException NothingToRollBack(Slug slug) =>
        Refused(
            $"There is no promotion of '{slug}' to roll back. 'migrator status --tenant-slug={slug}' shows its state."
        );

    public static MigratorException CannotComeHome(Slug slug, string where, PostgresException? e = null) =>
        new(
            ExitCode.Different,
            $"Rows of '{slug}' in {where} cannot come home: {(e is null ? "they differ again after every attempt; a trigger or a cascade in the shared database keeps changing them" : $"{e.MessageText} {e.Detail}")} "
                + "The tenant goes on in its isolated database. Correct the rows there, then roll back again.",
            e
        );

    public static MigratorException IsolatedGone(Slug slug, Target target) =>
        new(
            ExitCode.Failed,
            $"Database {target.Database} on {target.Host}:{target.Port} holds the rows of '{slug}' and is not there. Restore it, or point the settings at it, and run the same command again."
        );

    public static MigratorException NotFlipped(Slug slug) =>
        Refused($"'{slug}' is not isolated, so there is nothing to finalize. Promote it first.");

    public static MigratorException NotTheRecordedRows(Slug slug, IReadOnlyList<string> tables) =>
        new(
            ExitCode.Different,
            $"The rows of '{slug}' in the shared database are not those that were verified: {string.Join("; ", tables)}. Nothing was deleted. "
                + $"Compare with 'migrator verify --tenant-slug={slug}'; --force deletes them all the same."
        );

    // ---- the change stream ----------------------------------------------------------------------------------------------------

    public static string SlotInvalid(Slug slug, SlotStatus slot, bool flipped) =>
        slot.WalStatus == "lost"
            ? $"Slot {slot.Name} in {slot.Database} is lost: the server has removed WAL that it needs. "
                + (
                    flipped
                        ? $"A rollback compares all rows instead; 'migrator rollback --tenant-slug={slug} --confirm' loses nothing, or finalize."
                        : $"Run 'migrator rollback --tenant-slug={slug} --confirm', raise max_slot_wal_keep_size, then promote again."
                )
            : $"Slot {slot.Name} in {slot.Database} is about to be lost: it holds {ByteSize.Show(slot.WalHeldBytes)} of WAL, more than the server guarantees to keep. "
                + $"Raise max_slot_wal_keep_size, or go on at once with what 'migrator status --tenant-slug={slug}' names.";

    public static string MuchWalHeld(SlotStatus slot) =>
        $"Slot {slot.Name} makes the server of {slot.Database} keep {ByteSize.Show(slot.WalHeldBytes)} of WAL. Finish the promotion or roll it back before the disk is full.";

    public static string SlotLeftBehind(SlotStatus slot) =>
        $"Slot {slot.Name} was left behind in {slot.Database} and holds {ByteSize.Show(slot.WalHeldBytes)} of WAL. 'migrator doctor --fix --confirm' removes it.";

    public static string PublicationLeftBehind(string publication) =>
        $"Publication {publication} was left behind. 'migrator doctor --fix --confirm' removes it.";

    public static string SlotNotSeen(Target target, Exception e) =>
        $"{target.Host}:{target.Port} could not be asked for the stream's slot: {Chain(e)}. Check host, port and network.";

    public static string LongUnderWay(Slug slug, TimeSpan age) =>
        $"The promotion has been under way for {age.TotalDays:0.#} days. Finish it with 'migrator promote --tenant-slug={slug} --confirm', or roll it back.";

    public static string ReplicaLags(long lag, long limit) =>
        $"A standby of the shared server is {ByteSize.Show(lag)} behind; the copy waits until it is less than {ByteSize.Show(limit)} (--max-replica-lag, 0 for never).";

    public static string SessionsActive(int active, int limit) =>
        $"{active} sessions are active on the shared server; the copy waits until it is {limit} or fewer (--max-active-sessions, 0 for never).";

    public const string CopyGoesOn = "The copy goes on.";

    public static string LoadNotSeen(string role) =>
        $"Role {role} does not see what other roles do on the shared server, so the copy may not notice that it is under stress: GRANT pg_read_all_stats TO {Sql.Identifier(role)}.";

    // ---- what was left behind -------------------------------------------------------------------------------------------------

    public const string ServesNobody = "belongs to no promotion under way";

    public const string ServesSomebodyNow = "A promotion that began meanwhile uses it.";

    public const string DoctorRemoves = "'migrator doctor --fix --confirm' removes it.";

    public const string ClosedByNobody = "closed, and no run is at work: the tenant's writes fail";

    public const string LookAgain = "Check host, port, login and network, then run 'migrator doctor' again.";

    public const string NothingLeftBehind = "Nothing was left behind.";

    public static string GoOnOrBack(Slug slug, bool flipped) =>
        flipped
            ? $"Go on with 'migrator rollback --tenant-slug={slug} --confirm'."
            : $"Go on with 'migrator promote --tenant-slug={slug} --confirm', or open it with 'migrator rollback --tenant-slug={slug} --confirm'.";

    public static string DropTriggersByHand(string prefix) =>
        "No tenant and no journal names its owner. In psql: SELECT format('DROP TRIGGER %I ON %s', tgname, tgrelid::regclass) "
        + $"FROM pg_trigger WHERE starts_with(tgname, {Sql.Literal(prefix)}) \\gexec";

    public static string CannotLook(Target place, Exception e) =>
        $"{place.Database}{(place.Database.Length > 0 ? " on " : "")}{place.Host}:{place.Port} could not be looked at: {Chain(e)}.";

    static MigratorException Usage(string message) => new(ExitCode.Usage, message);

    static MigratorException Refused(string message) => new(ExitCode.Refused, message);

    static string Describe(DifferenceKind kind) =>
        kind switch
        {
            DifferenceKind.Missing => "is missing in the isolated database",
            DifferenceKind.Extra => "is in the isolated database only",
            _ => "has other values",
        };

    static string List(IEnumerable<TableName> tables)
    {
        var names = tables.Select(table => table.ToString()).ToArray();
        return names.Length <= 5
            ? string.Join(", ", names)
            : $"{string.Join(", ", names.Take(5))} and {names.Length - 5} more tables";
    }

    static string CommonStart(string left, string right) =>
        left[..left.Zip(right).TakeWhile(pair => pair.First == pair.Second).Count()];

    static string Or(string text, string otherwise) => text.Length > 0 ? text : otherwise;

    static string Capital(string text) => char.ToUpperInvariant(text[0]) + text[1..];

    static string Chain(Exception e) =>
        e.InnerException is { } inner && inner.Message != e.Message
            ? $"{e.Message.TrimEnd('.')}: {Chain(inner)}"
            : e.Message.TrimEnd('.');
}
