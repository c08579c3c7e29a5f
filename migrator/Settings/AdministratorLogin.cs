using Npgsql;

namespace Migrator.Settings;

/// <summary>
/// The login for what takes more than the tables' owner has: replication slots, and on the isolated database's server
/// databases and roles. No session of it reads or writes a table of the application, so that no expression of the
/// schema's owner is evaluated with those rights.
/// </summary>
public sealed record AdministratorLogin(string User, string? Password)
{
    /// <summary>The server as this login sees it.</summary>
    public NpgsqlConnectionStringBuilder At(NpgsqlConnectionStringBuilder server) =>
        new(server.ConnectionString) { Username = User, Password = Password };
}
