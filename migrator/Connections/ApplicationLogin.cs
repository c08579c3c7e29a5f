using Migrator.Messages;
using Npgsql;

namespace Migrator.Connections;

/// <summary>A login as the application, tried before its tenant is sent to another server.</summary>
public static class ApplicationLogin
{
    /// <returns>Why the application could not log in, as a sentence; null if the server lets it in.</returns>
    public static async Task<string?> TryAsync(
        NpgsqlConnectionStringBuilder server,
        string login,
        string password,
        CancellationToken cancellationToken
    )
    {
        await using var connection = new NpgsqlConnection(As(server, login, password));
        try
        {
            await connection.OpenAsync(cancellationToken);
            return null;
        }
        catch (PostgresException e)
            when (e.SqlState
                    is PostgresErrorCodes.InvalidPassword
                        or PostgresErrorCodes.InvalidAuthorizationSpecification
            )
        {
            return PrivilegeMessages.ApplicationCannotLogIn(login, server, e.MessageText);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            // The server asks for the password first. CONNECT is granted at the flip and not before.
            return null;
        }
    }

    static string As(NpgsqlConnectionStringBuilder server, string login, string password) =>
        new NpgsqlConnectionStringBuilder(server.ConnectionString)
        {
            Username = login,
            Password = password,
            ApplicationName = "tp",
            Options = null,
            Pooling = false,
        }.ConnectionString;
}
