using Migrator.Connections;
using Migrator.Model;
using Npgsql;

namespace Migrator.Preflight;

/// <summary>Single rights of roles on one server, each as the statement that gives it.</summary>
/// <param name="server">The server's name: <c>shared</c> or <c>isolated</c>.</param>
sealed class RoleRights(NpgsqlConnection connection, string server, CancellationToken cancellationToken)
{
    /// <summary>The role is there, and may log in.</summary>
    public async Task<NeededPrivilege> LoginAsync(string role, string reason)
    {
        var canLogIn = await connection.ExecuteScalarAsync<bool?>(
            "SELECT rolcanlogin FROM pg_roles WHERE rolname = @role",
            new { role },
            cancellationToken
        );
        var verb = canLogIn is null ? "CREATE" : "ALTER";
        return new(server, $"{verb} ROLE {Sql.Identifier(role)} LOGIN", reason, canLogIn is true);
    }

    /// <param name="attribute">REPLICATION, CREATEDB, CREATEROLE or BYPASSRLS.</param>
    public async Task<NeededPrivilege> AttributeAsync(string role, string attribute, string reason) =>
        new(
            server,
            $"ALTER ROLE {Sql.Identifier(role)} {attribute}",
            reason,
            await connection.ExecuteScalarAsync<bool>(
                """
                SELECT EXISTS (
                    SELECT FROM pg_roles WHERE rolname = @role AND (rolsuper OR CASE @attribute
                        WHEN 'REPLICATION' THEN rolreplication WHEN 'CREATEDB' THEN rolcreatedb
                        WHEN 'CREATEROLE' THEN rolcreaterole ELSE rolbypassrls END))
                """,
                new { role, attribute },
                cancellationToken
            )
        );

    public async Task<NeededPrivilege> MembershipAsync(string member, string role, string reason) =>
        new(
            server,
            $"GRANT {Sql.Identifier(role)} TO {Sql.Identifier(member)}",
            reason,
            await connection.ExecuteScalarAsync<bool>(
                """
                SELECT EXISTS (SELECT FROM pg_roles m, pg_roles r
                               WHERE m.rolname = @member AND r.rolname = @role AND pg_has_role(m.oid, r.oid, 'MEMBER'))
                """,
                new { member, role },
                cancellationToken
            )
        );

    /// <summary>CONNECT on the connection's database; nothing where everybody may connect, as is the rule.</summary>
    /// <param name="through">Roles of which the role is to be a member.</param>
    public async Task<IReadOnlyList<NeededPrivilege>> ConnectAsync(string role, IEnumerable<string> through)
    {
        var isThere = await connection.QueryAsync<bool>(
            """
            SELECT coalesce((SELECT has_database_privilege(oid, current_database(), 'CONNECT')
                             FROM pg_roles WHERE rolname = @role), false)
            WHERE NOT has_database_privilege('public', current_database(), 'CONNECT')
              AND NOT EXISTS (SELECT FROM pg_roles
                              WHERE rolname = ANY (@through) AND has_database_privilege(oid, current_database(), 'CONNECT'))
            """,
            new { role, through = through.ToArray() },
            cancellationToken
        );
        var statement = $"GRANT CONNECT ON DATABASE {Sql.Identifier(connection.Database)} TO {Sql.Identifier(role)}";
        return
        [
            .. isThere.Select(one => new NeededPrivilege(
                server,
                statement,
                "not everybody may connect to this database",
                one
            )),
        ];
    }
}
