using Migrator.Connections;
using Migrator.Model;
using Migrator.Scope;
using Migrator.Settings;
using Npgsql;

namespace Migrator.Validation;

/// <summary>
/// The application's role sees the tenant's rows if it names the tenant, and no rows otherwise. No other role
/// can connect.
/// </summary>
public static class AccessControl
{
    const string Area = "access control";

    public static async Task<IReadOnlyList<Check>> CheckAsync(
        Databases databases,
        TenantScope scope,
        Tenant tenant,
        Tenancy tenancy,
        CancellationToken cancellationToken
    )
    {
        await using var isolated = await databases.Isolated.OpenConnectionAsync(cancellationToken);
        var nobody = await PublicAsync(isolated, cancellationToken);
        var name = tenancy.ApplicationRole;
        if (await RoleAsync(isolated, name, cancellationToken) is not { } role)
            return
            [
                nobody,
                Skipped("application role", $"role {name} does not exist; set application_role in tenancy.json"),
            ];
        var bound = role is { Super: false, Bypass: false };
        var isBound = $"{name} is neither superuser nor BYPASSRLS";
        var policies = new RowPolicies(isolated, tenant, tenancy, role.Member, scope.Root.Tree is not null);
        var membership = $"GRANT {Sql.Identifier(name)} TO {Sql.Identifier(databases.IsolatedServer.Username!)}";
        var connects = $"{name} has CONNECT on {tenant.Slug.DatabaseName}";
        return
        [
            nobody,
            Check.Of(Area, "application role is bound by policies", bound, isBound),
            Check.Of(Area, "application role can connect", role.Connect, connects),
            .. await PoliciesAsync(policies, scope, membership, cancellationToken),
        ];
    }

    static async Task<Check> PublicAsync(NpgsqlConnection isolated, CancellationToken cancellationToken) =>
        Check.Of(
            Area,
            "PUBLIC cannot connect",
            !await isolated.ExecuteScalarAsync<bool>(
                """
                SELECT EXISTS (
                    SELECT FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) acl
                    WHERE d.datname = current_database()
                      AND acl.grantee = 0 AND acl.privilege_type = 'CONNECT')
                """,
                cancellationToken
            ),
            "CONNECT is granted by name only"
        );

    static Task<(bool Super, bool Bypass, bool Member, bool Connect)?> RoleAsync(
        NpgsqlConnection isolated,
        string name,
        CancellationToken cancellationToken
    ) =>
        isolated.QueryFirstOrDefaultAsync<(bool Super, bool Bypass, bool Member, bool Connect)?>(
            """
            SELECT rolsuper, rolbypassrls, pg_has_role(oid, 'MEMBER'),
                   has_database_privilege(oid, current_database(), 'CONNECT')
            FROM pg_roles WHERE rolname = @name
            """,
            new { name },
            cancellationToken
        );

    static async Task<IReadOnlyList<Check>> PoliciesAsync(
        RowPolicies policies,
        TenantScope scope,
        string membership,
        CancellationToken cancellationToken
    )
    {
        const string rowSecurity = "row-level security";
        var tables = scope.TenantTables.Where(table => table.Table.RowSecurity).ToArray();
        if (tables.Length == 0)
            return [Skipped(rowSecurity, "no tenant table has row-level security, in the shared database either")];
        try
        {
            return await policies.CheckAsync(Area, tables, cancellationToken);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            return [Skipped(rowSecurity, $"{e.MessageText}; the check needs membership: {membership}")];
        }
    }

    static Check Skipped(string what, string why) => new(Area, what, CheckOutcome.Skipped, why);
}
