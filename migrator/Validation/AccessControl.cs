using System.Data;
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
        var checks = new List<Check>
        {
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
            ),
        };

        var name = tenancy.ApplicationRole;
        var role = await isolated.QueryFirstOrDefaultAsync<(bool Super, bool Bypass, bool Member, bool Connect)?>(
            """
            SELECT rolsuper, rolbypassrls, pg_has_role(oid, 'MEMBER'),
                   has_database_privilege(oid, current_database(), 'CONNECT')
            FROM pg_roles WHERE rolname = @name
            """,
            new { name },
            cancellationToken
        );
        if (role is null)
            return
            [
                .. checks,
                new(
                    Area,
                    "application role",
                    CheckOutcome.Skipped,
                    $"role {name} does not exist; set application_role in tenancy.json"
                ),
            ];
        checks.Add(
            Check.Of(
                Area,
                "application role is bound by policies",
                role is { Super: false, Bypass: false },
                $"{name} is neither superuser nor BYPASSRLS"
            )
        );
        checks.Add(
            Check.Of(
                Area,
                "application role can connect",
                role.Value.Connect,
                $"{name} has CONNECT on {tenant.Slug.DatabaseName}"
            )
        );

        var tables = scope.TenantTables.Where(table => table.Table.RowSecurity).ToArray();
        if (tables.Length == 0)
            checks.Add(
                new(
                    Area,
                    "row-level security",
                    CheckOutcome.Skipped,
                    "no tenant table has row-level security, in the shared database either"
                )
            );
        else
            try
            {
                checks.AddRange(
                    await RowSecurityAsync(isolated, tables, tenant, tenancy, role.Value.Member, cancellationToken)
                );
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InsufficientPrivilege)
            {
                checks.Add(
                    new(
                        Area,
                        "row-level security",
                        CheckOutcome.Skipped,
                        $"{e.MessageText}; the check needs membership: "
                            + $"GRANT {Sql.Identifier(name)} TO {Sql.Identifier(databases.IsolatedServer.Username!)}"
                    )
                );
            }
        return checks;
    }

    static async Task<IReadOnlyList<Check>> RowSecurityAsync(
        NpgsqlConnection isolated,
        IReadOnlyList<ScopedTable> tables,
        Tenant tenant,
        Tenancy tenancy,
        bool member,
        CancellationToken cancellationToken
    )
    {
        var blind = new List<string>();
        var leaking = new List<string>();
        foreach (var table in tables)
        {
            // One snapshot for all counts, because the tenant is writing already.
            await using var transaction = await isolated.BeginTransactionAsync(
                IsolationLevel.RepeatableRead,
                cancellationToken
            );
            var all = await CountAsync(isolated, table, cancellationToken);
            // The membership lasts for this transaction only, which is rolled back.
            if (!member)
                await isolated.ExecuteAsync(
                    $"GRANT {Sql.Identifier(tenancy.ApplicationRole)} TO CURRENT_USER",
                    cancellationToken
                );
            await isolated.ExecuteAsync($"SET LOCAL ROLE {Sql.Identifier(tenancy.ApplicationRole)}", cancellationToken);
            await isolated.ExecuteAsync("SET LOCAL row_security = on", cancellationToken);
            if (
                !await isolated.ExecuteScalarAsync<bool>(
                    "SELECT has_table_privilege(CAST(@name AS regclass), 'SELECT')",
                    new { name = table.Name.Quoted },
                    cancellationToken
                )
            )
                continue;
            // First without the parameter: once set, the parameter stays defined, as '', for the session.
            if (await CountOrNullAsync(isolated, table, cancellationToken) > 0)
                leaking.Add(table.Name.ToString());
            await isolated.ExecuteAsync(
                "SELECT set_config(@TenantSetting, @Key, true)",
                new { tenancy.TenantSetting, tenant.Key },
                cancellationToken
            );
            if (await CountAsync(isolated, table, cancellationToken) != all)
                blind.Add(table.Name.ToString());
        }
        return
        [
            Check.Of(
                Area,
                $"rows visible with {tenancy.TenantSetting}",
                blind.Count == 0,
                blind.Count == 0 ? $"all rows of {tables.Count} tables" : $"not all rows of {string.Join(", ", blind)}"
            ),
            Check.Of(
                Area,
                $"no rows visible without {tenancy.TenantSetting}",
                leaking.Count == 0,
                leaking.Count == 0 ? $"{tables.Count} tables" : $"rows of {string.Join(", ", leaking)}"
            ),
        ];
    }

    static Task<long> CountAsync(NpgsqlConnection isolated, ScopedTable table, CancellationToken cancellationToken) =>
        isolated.ExecuteScalarAsync<long>(
            $"SELECT count(*) FROM {table.Table.Name.Quoted} t WHERE {table.WithTenant("t")}",
            cancellationToken
        );

    // A policy may raise an error without the parameter; the role sees no rows then either.
    static async Task<long> CountOrNullAsync(
        NpgsqlConnection isolated,
        ScopedTable table,
        CancellationToken cancellationToken
    )
    {
        await isolated.ExecuteAsync("SAVEPOINT unset", cancellationToken);
        try
        {
            return await CountAsync(isolated, table, cancellationToken);
        }
        catch (PostgresException e) when (e.SqlState[..2] is "22" or "42")
        {
            await isolated.ExecuteAsync("ROLLBACK TO SAVEPOINT unset", cancellationToken);
            return 0;
        }
    }
}
