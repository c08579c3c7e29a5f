using Migrator.Connections;
using Migrator.Messages;
using Npgsql;

namespace Migrator.Schema;

/// <summary>Who has to exist on a server before a schema can be restored there.</summary>
public static class DatabaseRoles
{
    /// <summary>
    /// The roles that own something in schema public and may create there. In the new database that right has to be given
    /// before anything can be given to them: since PostgreSQL 15 it comes with the ownership of the database.
    /// </summary>
    /// <remarks>https://www.postgresql.org/docs/current/ddl-schemas.html#DDL-SCHEMAS-PATTERNS</remarks>
    public static Task<IReadOnlyList<string>> CreatorsInPublicAsync(
        NpgsqlConnection shared,
        CancellationToken cancellationToken
    ) =>
        shared.QueryAsync<string>(
            """
            SELECT DISTINCT r.rolname::text
            FROM (SELECT relowner AS owner FROM pg_class WHERE relnamespace = to_regnamespace('public')
                  UNION SELECT proowner FROM pg_proc WHERE pronamespace = to_regnamespace('public')
                  UNION SELECT typowner FROM pg_type WHERE typnamespace = to_regnamespace('public')) object
            JOIN pg_roles r ON r.oid = object.owner
            WHERE NOT r.rolsuper AND r.rolname <> current_user AND has_schema_privilege(r.oid, 'public', 'CREATE')
            """,
            cancellationToken
        );

    /// <summary>The owner of the connection's database; null where that is a superuser.</summary>
    public static Task<string?> OwnerAsync(NpgsqlConnection database, CancellationToken cancellationToken) =>
        database.ExecuteScalarAsync<string?>(
            """
            SELECT r.rolname::text FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba
            WHERE d.datname = current_database() AND NOT r.rolsuper
            """,
            cancellationToken
        );

    /// <summary>
    /// Why the isolated database is not ours to work in, if its owner is somebody whom the roles that work there are no members
    /// of: it may drop what they make in the schemas that come with the database. Null for other owners, and where there is no
    /// such database.
    /// </summary>
    /// <param name="server">A connection to the isolated database's server.</param>
    /// <remarks>https://www.postgresql.org/docs/current/ddl-schemas.html#DDL-SCHEMAS-PATTERNS</remarks>
    public static async Task<string?> WhyStrangersAsync(
        NpgsqlConnection server,
        Databases databases,
        CancellationToken cancellationToken
    )
    {
        var (slug, worker) = (databases.Slug, databases.IsolatedServer.Username ?? server.UserName ?? "");
        var owner = await server.ExecuteScalarAsync<string?>(
            """
            SELECT r.rolname::text FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba
            WHERE d.datname = @database AND NOT r.rolsuper AND NOT pg_has_role(r.oid, 'MEMBER')
              AND NOT EXISTS (SELECT FROM pg_roles w WHERE w.rolname = @worker AND pg_has_role(w.oid, r.oid, 'MEMBER'))
            """,
            new { database = slug.DatabaseName, worker },
            cancellationToken
        );
        return owner is null ? null : PrivilegeMessages.TargetOfStranger(slug, owner, worker, databases.IsolatedServer);
    }

    /// <summary>
    /// The condition that an entry of pg_shdepend, seen as <c>d</c>, is about an object that is copied. Any login may make a
    /// temporary table or a large object, and default privileges for itself.
    /// </summary>
    public const string IsCopied = """
        d.classid NOT IN ('pg_largeobject'::regclass, 'pg_default_acl'::regclass)
        AND NOT EXISTS (
            SELECT FROM pg_namespace n WHERE n.nspname ~ '^pg_(toast_)?temp_' AND n.oid = CASE d.classid
                WHEN 'pg_class'::regclass THEN (SELECT relnamespace FROM pg_class WHERE oid = d.objid)
                WHEN 'pg_type'::regclass THEN (SELECT typnamespace FROM pg_type WHERE oid = d.objid)
                WHEN 'pg_proc'::regclass THEN (SELECT pronamespace FROM pg_proc WHERE oid = d.objid) END)
        """;

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
                $"""
                SELECT DISTINCT r.rolname::text
                FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid
                WHERE d.refclassid = 'pg_authid'::regclass AND r.rolname NOT LIKE 'pg\_%' AND r.rolname <> current_user
                  AND d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
                  AND ({IsCopied} OR d.objid IN (
                      SELECT oid FROM pg_default_acl
                      WHERE d.classid = 'pg_default_acl'::regclass AND pg_has_role(defaclrole, 'USAGE')))
                ORDER BY 1
                """,
                cancellationToken
            ),
        ];
    }
}
