using Migrator.Messages;
using Migrator.Model;
using Npgsql;

namespace Migrator.Connections;

/// <summary>
/// Whether sessions may write. The migrator never lifts a read-only setting: a role that may only look stays one whatever
/// it is told to do, and a database in maintenance stays as it is.
/// </summary>
public static class WriteAccess
{
    /// <summary>Why a new session could not write, as a sentence.</summary>
    /// <param name="OfRole">The setting is the role's: the database may still be changed by another role.</param>
    public sealed record Refusal(string Sentence, bool OfRole);

    /// <exception cref="MigratorException">The session may not write.</exception>
    public static async Task RequireAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        if (await FindAsync(connection, cancellationToken) is { } refusal)
            throw MigratorException.Refused(refusal.Sentence);
    }

    /// <summary>Null if the connection's role may write in its database.</summary>
    public static async Task<Refusal?> FindAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        // A role's own setting wins over the database's, and does not end its maintenance.
        var (role, isDatabase, isSession, source) = await connection.QuerySingleAsync<(string, bool, bool, string)>(
            """
            SELECT current_user::text,
                   EXISTS (SELECT FROM pg_db_role_setting s, unnest(s.setconfig) setting
                           WHERE s.setrole = 0
                             AND s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
                             AND setting LIKE 'default_transaction_read_only=%'
                             AND split_part(setting, '=', 2)::boolean),
                   current_setting('default_transaction_read_only')::boolean,
                   (SELECT source FROM pg_settings WHERE name = 'default_transaction_read_only')
            """,
            cancellationToken
        );
        if (isDatabase || (isSession && source is not ("user" or "database user")))
            return new(ServerMessages.ReadOnlyDatabase(connection.Database), OfRole: false);
        return isSession ? new(ServerMessages.ReadOnlyRole(role), OfRole: true) : null;
    }
}
