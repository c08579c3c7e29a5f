using Migrator.Connections;
using Npgsql;

namespace Migrator.Schema;

/// <summary>Who has to exist on a server before a schema can be restored there.</summary>
public static class DatabaseRoles
{
    /// <summary>The roles that own, may use, or are named by a policy of, anything in the shared database.</summary>
    public static async Task<IReadOnlyList<string>> ReadAsync(
        NpgsqlDataSource shared,
        CancellationToken cancellationToken
    )
    {
        await using var connection = await shared.OpenConnectionAsync(cancellationToken);
        return
        [
            .. await connection.QueryAsync<string>(
                """
                SELECT DISTINCT r.rolname::text
                FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid
                WHERE d.refclassid = 'pg_authid'::regclass AND r.rolname NOT LIKE 'pg\_%' AND r.rolname <> current_user
                  AND d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
                ORDER BY 1
                """,
                cancellationToken
            ),
        ];
    }
}
