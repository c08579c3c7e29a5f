using Migrator.Model;
using Npgsql;

namespace Migrator.Messages;

/// <summary>What went wrong between the migrator and a server.</summary>
static class ServerMessages
{
    public static MigratorException Unreachable(NpgsqlException e) =>
        new(
            ExitCode.Failed,
            $"A server cannot be reached: {Wording.Chain(e)}. Check host, port and network, then run the same command again.",
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

    public static MigratorException ToolFailed(string tool, string error) =>
        new(ExitCode.Failed, $"{tool} failed: {error} Mend the cause and run the same command again, or roll back.")
        {
            Transient =
                error.Contains("server closed the connection", StringComparison.Ordinal)
                || error.Contains("connection to server", StringComparison.Ordinal)
                || error.Contains("terminating connection", StringComparison.Ordinal),
        };
}
