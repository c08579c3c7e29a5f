using Migrator.Model;
using Npgsql;

namespace Migrator.Messages;

/// <summary>What went wrong between the migrator and a server.</summary>
static class ServerMessages
{
    public static MigratorException Unreachable(NpgsqlException e) =>
        new(
            ExitCode.Failed,
            $"A server cannot be reached: {Wording.Chain(e)}. "
                + "Check host, port and network, then run the same command again.",
            e
        )
        {
            Transient = true,
        };

    public static MigratorException NoSuchDatabase(PostgresException e) =>
        new(
            ExitCode.Refused,
            $"{Wording.Capital(e.MessageText)}. Check DB_NAME and TARGET_DB_NAME, then run the same command again.",
            e
        );

    public static MigratorException LoginRefused(PostgresException e) =>
        new(
            ExitCode.Refused,
            $"The server refuses the login: {e.MessageText}. Check DB_USER, DB_PASSWORD "
                + "(TARGET_DB_USER, TARGET_DB_PASSWORD) and pg_hba.conf, then run the same command again.",
            e
        );

    public static MigratorException DiskFull(PostgresException e) =>
        new(
            ExitCode.Failed,
            $"The server's disk is full: {ServerErrors.Text(e)}. Rows copied so far are kept. "
                + "Free disk space, then run the same command again.",
            e
        );

    public static MigratorException ServerSaid(PostgresException e) =>
        new(ExitCode.Failed, ServerErrors.Sentence(e), e) { Transient = e.IsTransient };

    public static MigratorException SslRefused(NpgsqlException e) =>
        new(
            ExitCode.Refused,
            $"The connection could not be encrypted as asked: {Wording.Chain(e)}. Check DB_SSLMODE and DB_SSLROOTCERT "
                + "(TARGET_DB_SSLMODE, TARGET_DB_SSLROOTCERT), then run the same command again.",
            e
        );

    public static MigratorException ServerWentAway(PostgresException e) =>
        new(
            ExitCode.Failed,
            $"The server ended the session or does not accept any now: {ServerErrors.Text(e)} (SQLSTATE {e.SqlState}). "
                + "Wait until the server is up, then run the same command again.",
            e
        )
        {
            Transient = true,
        };

    public static MigratorException SchemaOfStrangers(string database, string? role, IEnumerable<string> objects) =>
        new(
            ExitCode.Refused,
            $"The schema tenant_promotion in {database} is not {role}'s alone: {string.Join(", ", objects)}. "
                + "The migrator would run what others have put there. Nothing in it was used. "
                + "Run as the role that owns the promotions, or have an administrator look at the schema and drop it."
        );

    public static MigratorException Bug(Exception e) =>
        new(
            ExitCode.Failed,
            $"This should not have happened ({e.GetType().Name}): {e.Message} "
                + "Run the same command again with --verbose and report its output.",
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

    public static string Pooler(string host, int port) => $"{host}:{port} is a connection pooler. {NeedsTheServer}";

    public static MigratorException PoolerRefuses(PostgresException e) =>
        new(ExitCode.Refused, $"A connection pooler refuses the session ({e.MessageText}). {NeedsTheServer}", e);

    public static bool IsPooler(PostgresException e) =>
        e.SqlState == PostgresErrorCodes.ProtocolViolation
        && e.MessageText.Contains("startup parameter", StringComparison.Ordinal);

    const string NeedsTheServer =
        "The migrator needs sessions of the server itself: locks and settings of a session are lost in a pool. "
        + "Set DB_HOST and DB_PORT (TARGET_DB_HOST, TARGET_DB_PORT) to the PostgreSQL server, then run the same command again.";

    public static string ReadOnlyDatabase(string database) =>
        $"Database {database} is read-only (default_transaction_read_only = on): it is in maintenance, or its server is. "
        + "The migrator does not lift that. When the maintenance is over, run "
        + $"ALTER DATABASE {Sql.Identifier(database)} RESET default_transaction_read_only "
        + "(or take the setting out of postgresql.conf), then run the same command again.";

    public static string ReadOnlyRole(string role) =>
        $"Role {role} is read-only (default_transaction_read_only = on). It may look (--dry-run, status, verify) and change "
        + "nothing, and the migrator does not lift that. Run the command as another role (DB_USER, TARGET_DB_USER).";

    public static string Retrying(string message, TimeSpan delay) => $"{message} Retrying in {delay.TotalSeconds:0} s.";

    public static MigratorException LeftoverSessions(Slug slug) =>
        new(
            ExitCode.Failed,
            $"Sessions of an earlier run are still connected to {slug.DatabaseName} and do not end. "
                + $"Terminate them (application_name tp/{slug}) and run the same command again."
        );

    public static MigratorException TableLocked(TableName table, IReadOnlyList<string> holders, Exception e) =>
        new(
            ExitCode.Failed,
            $"Other sessions keep table {table} locked, and a longer wait for the lock would block the application. "
                + $"Open transactions: {Wording.Or(string.Join("; ", holders), "none any more")}. "
                + "End them, or run the same command again at a quieter time.",
            e
        );

    public static MigratorException DatabaseLocked(string database, IReadOnlyList<string> holders, Exception e) =>
        new(
            ExitCode.Failed,
            $"Other sessions keep objects of database {database} locked. "
                + $"Open transactions: {Wording.Or(string.Join("; ", holders), "none any more")}. "
                + "End them, then run the same command again.",
            e
        );

    public static MigratorException ToolFailed(string tool, string error) =>
        new(ExitCode.Failed, $"{tool} failed: {error} Fix the cause and run the same command again, or roll back.")
        {
            Transient =
                error.Contains("server closed the connection", StringComparison.Ordinal)
                || error.Contains("connection to server", StringComparison.Ordinal)
                || error.Contains("terminating connection", StringComparison.Ordinal),
        };
}
