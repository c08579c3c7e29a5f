using System.Data;
using Migrator.Connections;
using Migrator.Model;
using Migrator.Scope;
using Migrator.Settings;
using Npgsql;

namespace Migrator.Validation;

/// <summary>The application's role sees the tenant's rows and, without saying whose, none; nobody else comes in.</summary>
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
                    SELECT EXISTS (SELECT FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) acl
                                   WHERE d.datname = current_database() AND acl.grantee = 0 AND acl.privilege_type = 'CONNECT')
                    """,
                    cancellationToken
                ),
                "CONNECT is granted by name only"
            ),
        };

        var name = tenancy.ApplicationRole;
        var role = await isolated.QueryFirstOrDefaultAsync<(bool Super, bool Bypass, bool Member, bool Connect)?>(
            """
            SELECT rolsuper, rolbypassrls, pg_has_role(oid, 'MEMBER'), has_database_privilege(oid, current_database(), 'CONNECT')
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
                    $"there is no role {name}; name yours in tenancy.json as application_role"
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
                    "no tenant table has it, in the shared database either"
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
                        $"{e.MessageText}; it takes membership: GRANT {Sql.Identifier(name)} TO {Sql.Identifier(databases.IsolatedServer.Username!)}"
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
            // One snapshot for all the counts: the tenant is writing by now.
            await using var transaction = await isolated.BeginTransactionAsync(
                IsolationLevel.RepeatableRead,
                cancellationToken
            );
            var all = await CountAsync(isolated, table, cancellationToken);
            // Membership for this transaction only: it is rolled back.
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
            // Somebody who says nothing first: a parameter once set stays defined, as '', for the session.
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
                blind.Count == 0 ? $"all rows of {tables.Count} tables" : $"not all of {string.Join(", ", blind)}"
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
        isolated.ExecuteScalarAsync<long>($"SELECT count(*) FROM {table.Table.Name.Quoted}", cancellationToken);

    // A policy that insists on the parameter raises an error without it, which shows nothing either.
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
