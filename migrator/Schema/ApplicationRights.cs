using Migrator.Connections;
using Migrator.Model;
using Npgsql;

namespace Migrator.Schema;

/// <summary>Which tables the application may read: by the shared database's grants, and by what came of them.</summary>
public static class ApplicationRights
{
    /// <summary>
    /// The tables whose grants let the role or the login read them. Grants go along with a table; memberships of roles
    /// do not, so that a right of a group counts for nothing here.
    /// </summary>
    public static async Task<IReadOnlyList<TableName>> GrantedAsync(
        NpgsqlConnection shared,
        IReadOnlyCollection<TableName> tables,
        string role,
        string login,
        CancellationToken cancellationToken
    )
    {
        var found = await shared.QueryAsync<string>(
            """
            WITH named AS (SELECT oid FROM pg_roles WHERE rolname IN (@role, @login) UNION ALL SELECT 0::oid)
            SELECT quoted FROM unnest(@tables) quoted JOIN pg_class c ON c.oid = to_regclass(quoted)
            WHERE EXISTS (
                SELECT FROM aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) acl JOIN named ON named.oid = grantee
                WHERE acl.privilege_type = 'SELECT')
               OR EXISTS (
                SELECT FROM pg_attribute a, aclexplode(a.attacl) acl JOIN named ON named.oid = grantee
                WHERE a.attrelid = c.oid AND acl.privilege_type = 'SELECT')
            """,
            new
            {
                role,
                login,
                tables = Quoted(tables),
            },
            cancellationToken
        );
        return [.. tables.Where(table => found.Contains(table.Quoted))];
    }

    /// <summary>The tables that the login may read in the connection's database, as itself or as what it is a member of.</summary>
    public static async Task<IReadOnlyList<TableName>> ReadableAsync(
        NpgsqlConnection isolated,
        IReadOnlyCollection<TableName> tables,
        string login,
        CancellationToken cancellationToken
    )
    {
        var found = await isolated.QueryAsync<string>(
            """
            SELECT quoted FROM unnest(@tables) quoted JOIN pg_class c ON c.oid = to_regclass(quoted)
            WHERE EXISTS (
                SELECT FROM pg_roles l JOIN pg_roles r ON pg_has_role(l.oid, r.oid, 'MEMBER')
                WHERE l.rolname = @login AND has_schema_privilege(r.oid, c.relnamespace, 'USAGE')
                  AND (has_table_privilege(r.oid, c.oid, 'SELECT') OR has_any_column_privilege(r.oid, c.oid, 'SELECT')))
            """,
            new { login, tables = Quoted(tables) },
            cancellationToken
        );
        return [.. tables.Where(table => found.Contains(table.Quoted))];
    }

    static string[] Quoted(IReadOnlyCollection<TableName> tables) => [.. tables.Select(table => table.Quoted)];
}
