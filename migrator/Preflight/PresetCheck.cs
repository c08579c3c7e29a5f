using Migrator.Connections;
using Migrator.Messages;
using Migrator.Schema;

namespace Migrator.Preflight;

/// <summary>Settings of the database and of roles that limit sessions: which go with the tenant, and which do not.</summary>
/// <remarks>https://www.postgresql.org/docs/current/catalog-pg-db-role-setting.html</remarks>
sealed class PresetCheck(PreflightContext context)
{
    static readonly string[] Limits =
    [
        "default_transaction_read_only",
        "idle_in_transaction_session_timeout",
        "idle_session_timeout",
        "lock_timeout",
        "statement_timeout",
        "transaction_timeout",
    ];

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        // DatabaseSettings copies these.
        var copied = await context.Shared.QueryAsync<string>(
            """
            SELECT setting || coalesce(' of ' || r.rolname, '')
            FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) setting LEFT JOIN pg_roles r ON r.oid = s.setrole
            WHERE s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
              AND split_part(setting, '=', 1) = ANY (@Limits)
            ORDER BY 1
            """,
            new { Limits },
            cancellationToken
        );
        if (copied.Count > 0)
            context.Warnings.Add(ObjectMessages.LimitsGoAlong(copied));
        var (here, there) = (context.Databases.SharedServer, context.Databases.IsolatedServer);
        if ((here.Host, here.Port) == (there.Host, there.Port))
            return;
        var roles = await DatabaseRoles.ReadAsync(context.Databases.Shared, cancellationToken);
        var left = await context.Shared.QueryAsync<string>(
            """
            SELECT format('ALTER ROLE %I SET %s', r.rolname, setting)
            FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) setting JOIN pg_roles r ON r.oid = s.setrole
            WHERE s.setdatabase = 0 AND r.rolname = ANY (@roles) ORDER BY 1
            """,
            new { roles = roles.Append(context.Tenancy.ApplicationRole).ToArray() },
            cancellationToken
        );
        if (left.Count > 0)
            context.Warnings.Add(ObjectMessages.RoleSettingsStay(left));
    }
}
