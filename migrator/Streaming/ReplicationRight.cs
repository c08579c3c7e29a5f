using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;
using Npgsql;

namespace Migrator.Streaming;

/// <summary>REPLICATION on the isolated database's server, which Cloud SQL gives to none of the users that it makes.</summary>
public static class ReplicationRight
{
    /// <summary>Cloud SQL's group of administrators, whose members may change the attributes of any role.</summary>
    /// <remarks>https://cloud.google.com/sql/docs/postgres/users</remarks>
    public const string CloudAdministrators = "cloudsqlsuperuser";

    /// <summary>A migrator that is an administrator of a Cloud SQL server takes the right itself.</summary>
    /// <param name="server">The isolated database's server, as the role that has the slots there.</param>
    public static async Task TakeAsync(
        NpgsqlConnection server,
        NpgsqlConnectionStringBuilder address,
        CancellationToken cancellationToken
    )
    {
        var lacking = await server.ExecuteScalarAsync<string?>(
            """
            SELECT rolname::text FROM pg_roles
            WHERE rolname = current_user AND NOT (rolsuper OR rolreplication)
              AND EXISTS (SELECT FROM pg_roles WHERE rolname = @CloudAdministrators AND pg_has_role(oid, 'MEMBER'))
            """,
            new { CloudAdministrators },
            cancellationToken
        );
        if (lacking is not { } role)
            return;
        try
        {
            await server.ExecuteAsync($"ALTER ROLE {Sql.Identifier(role)} REPLICATION", cancellationToken);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            throw new MigratorException(ExitCode.Failed, PreflightMessages.NoReplication(role, address));
        }
    }
}
