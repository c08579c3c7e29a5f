using Migrator.Connections;
using Migrator.Model;
using Migrator.Schema;
using Npgsql;

namespace Migrator.Preflight;

/// <summary>The least that the migrator's roles need for one database, as the catalogs tell.</summary>
/// <param name="worker">The role that reads and writes rows.</param>
/// <param name="administrator">The role for slots, databases and roles; the worker if there is one role for all.</param>
public sealed class LeastPrivileges(string worker, string administrator)
{
    const string Isolated = "isolated";

    bool HasTwo => worker != administrator;

    /// <param name="shared">The shared database; any login that may connect can ask.</param>
    /// <param name="server">Any database of the isolated database's server.</param>
    /// <param name="isSame">Both are on one server.</param>
    public async Task<IReadOnlyList<NeededPrivilege>> ReadAsync(
        NpgsqlConnection shared,
        NpgsqlConnection server,
        bool isSame,
        CancellationToken cancellationToken
    ) =>
        [
            .. await OfSharedAsync(shared, cancellationToken),
            .. isSame ? [] : await OfOtherServerAsync(server, cancellationToken),
            await AttributeAsync(
                server,
                Isolated,
                "CREATEDB",
                "creates and drops the isolated database",
                cancellationToken
            ),
            .. await MembershipsAsync(shared, server, isSame, cancellationToken),
            .. await MissingRolesAsync(shared, server, cancellationToken),
        ];

    async Task<List<NeededPrivilege>> OfSharedAsync(NpgsqlConnection shared, CancellationToken cancellationToken)
    {
        const string here = "shared";
        var rows = await shared.QueryAsync<(string Statement, string Reason, bool IsThere)>(
            SqlFile.Read("least-privileges.sql"),
            new { worker },
            cancellationToken
        );
        var needed = rows.Select(row => new NeededPrivilege(here, row.Statement, row.Reason, row.IsThere)).ToList();
        if (HasTwo)
            needed.Add(
                await RoleAsync(
                    shared,
                    here,
                    administrator,
                    "has the replication slots; reads no table",
                    cancellationToken
                )
            );
        needed.Add(
            await AttributeAsync(
                shared,
                here,
                "REPLICATION",
                "the change stream's slot; not needed with --mode fenced",
                cancellationToken
            )
        );
        return needed;
    }

    async Task<List<NeededPrivilege>> OfOtherServerAsync(NpgsqlConnection server, CancellationToken cancellationToken)
    {
        List<NeededPrivilege> needed =
        [
            await RoleAsync(server, Isolated, worker, "owns the isolated database", cancellationToken),
        ];
        if (HasTwo)
            needed.Add(
                await RoleAsync(server, Isolated, administrator, "makes the isolated database", cancellationToken)
            );
        needed.Add(
            await AttributeAsync(server, Isolated, "REPLICATION", "the slot of a rollback by stream", cancellationToken)
        );
        return needed;
    }

    async Task<List<NeededPrivilege>> MembershipsAsync(
        NpgsqlConnection shared,
        NpgsqlConnection server,
        bool isSame,
        CancellationToken cancellationToken
    )
    {
        var needed = new List<NeededPrivilege>();
        if (HasTwo)
            needed.Add(
                new(
                    Isolated,
                    $"GRANT {Sql.Identifier(worker)} TO {Sql.Identifier(administrator)}",
                    "makes the worker the owner of the isolated database; never the other way round",
                    await IsMemberAsync(server, administrator, worker, cancellationToken)
                )
            );
        foreach (var owner in await OwnersAsync(shared, cancellationToken))
            if (!isSame && await ExistsAsync(server, owner, cancellationToken))
                needed.Add(
                    new(
                        Isolated,
                        $"GRANT {Sql.Identifier(owner)} TO {Sql.Identifier(worker)}",
                        "gives the restored objects to their owner",
                        await IsMemberAsync(server, worker, owner, cancellationToken)
                    )
                );
        return needed;
    }

    async Task<IReadOnlyList<NeededPrivilege>> MissingRolesAsync(
        NpgsqlConnection shared,
        NpgsqlConnection server,
        CancellationToken cancellationToken
    )
    {
        var missing = new List<string>();
        foreach (var role in await NamedAsync(shared, cancellationToken))
            if (role != worker && !await ExistsAsync(server, role, cancellationToken))
                missing.Add(role);
        if (missing.Count == 0)
            return [];
        var reason = $"makes {string.Join(", ", missing)}; not needed if you make them first";
        return [await AttributeAsync(server, Isolated, "CREATEROLE", reason, cancellationToken)];
    }

    async Task<NeededPrivilege> AttributeAsync(
        NpgsqlConnection connection,
        string server,
        string attribute,
        string reason,
        CancellationToken cancellationToken
    ) =>
        new(
            server,
            $"ALTER ROLE {Sql.Identifier(administrator)} {attribute}",
            reason,
            await connection.ExecuteScalarAsync<bool>(
                """
                SELECT EXISTS (
                    SELECT FROM pg_roles WHERE rolname = @administrator AND (rolsuper OR CASE @attribute
                        WHEN 'REPLICATION' THEN rolreplication WHEN 'CREATEDB' THEN rolcreatedb ELSE rolcreaterole END))
                """,
                new { administrator, attribute },
                cancellationToken
            )
        );

    static async Task<NeededPrivilege> RoleAsync(
        NpgsqlConnection connection,
        string server,
        string role,
        string reason,
        CancellationToken cancellationToken
    ) =>
        new(
            server,
            $"CREATE ROLE {Sql.Identifier(role)} LOGIN PASSWORD '…'",
            reason,
            await ExistsAsync(connection, role, cancellationToken)
        );

    static Task<bool> ExistsAsync(NpgsqlConnection connection, string role, CancellationToken cancellationToken) =>
        connection.ExecuteScalarAsync<bool>(
            "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = @role)",
            new { role },
            cancellationToken
        );

    static Task<bool> IsMemberAsync(
        NpgsqlConnection connection,
        string member,
        string role,
        CancellationToken cancellationToken
    ) =>
        connection.ExecuteScalarAsync<bool>(
            """
            SELECT EXISTS (SELECT FROM pg_roles m, pg_roles r
                           WHERE m.rolname = @member AND r.rolname = @role AND pg_has_role(m.oid, r.oid, 'MEMBER'))
            """,
            new { member, role },
            cancellationToken
        );

    // Owners of objects in the shared database, apart from superusers: what they own is dumped with their name.
    Task<IReadOnlyList<string>> OwnersAsync(NpgsqlConnection shared, CancellationToken cancellationToken) =>
        DependenciesAsync(shared, ["o"], cancellationToken);

    // Those, and whom a privilege or a policy names.
    Task<IReadOnlyList<string>> NamedAsync(NpgsqlConnection shared, CancellationToken cancellationToken) =>
        DependenciesAsync(shared, ["o", "a", "r", "i"], cancellationToken);

    Task<IReadOnlyList<string>> DependenciesAsync(
        NpgsqlConnection shared,
        string[] kinds,
        CancellationToken cancellationToken
    ) =>
        shared.QueryAsync<string>(
            $"""
            SELECT DISTINCT r.rolname::text FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid
            WHERE d.refclassid = 'pg_authid'::regclass AND d.deptype::text = ANY (@kinds) AND NOT r.rolsuper
              AND {DatabaseRoles.IsCopied}
              AND d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
              AND r.rolname <> @worker AND r.rolname NOT LIKE 'pg\_%'
            ORDER BY 1
            """,
            new { kinds, worker },
            cancellationToken
        );
}
