using Migrator.Connections;
using Migrator.Messages;
using Migrator.Schema;

namespace Migrator.Preflight;

/// <summary>Whether the application can log in to the isolated database's server: passwords are not copied.</summary>
sealed class LoginCheck(PreflightContext context)
{
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await CheckMissingLoginsAsync(cancellationToken);
        if (context.Tenancy.ApplicationLogin is { } login)
        {
            await CheckApplicationAsync(login, cancellationToken);
            await CheckRightsAsync(login, cancellationToken);
        }
    }

    // A login that may read nothing is as far from its tenant as one that is refused.
    async Task CheckRightsAsync(string login, CancellationToken cancellationToken)
    {
        var role = context.Tenancy.ApplicationRole;
        var tables = context.Scope.CopiedTables.Select(table => table.Name).ToArray();
        if ((await ApplicationRights.GrantedAsync(context.Shared, tables, role, login, cancellationToken)).Count > 0)
            return;
        var isKnown = await context.Server.ExecuteScalarAsync<bool>(
            "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = @role)",
            new { role },
            cancellationToken
        );
        if (isKnown)
            context.Warnings.Add(ApplicationMessages.GrantsUnknown(login, role));
        else
            context.Faults.Add(ApplicationMessages.NoGrants(login, role));
    }

    // The application's role becomes a group there if the application logs in as another role.
    async Task CheckMissingLoginsAsync(CancellationToken cancellationToken)
    {
        var known = await context.Server.QueryAsync<string>("SELECT rolname::text FROM pg_roles", cancellationToken);
        var named = await DatabaseRoles.ReadAsync(context.Databases.Shared, cancellationToken);
        var logins = await context.Shared.QueryAsync<string>(
            "SELECT rolname::text FROM pg_roles WHERE rolcanlogin AND rolname = ANY (@named) ORDER BY 1",
            new { named = named.ToArray() },
            cancellationToken
        );
        var isGroup = context.Tenancy.ApplicationLogin is { } login && login != context.Tenancy.ApplicationRole;
        foreach (var role in logins.Except(known).Where(role => !isGroup || role != context.Tenancy.ApplicationRole))
            context.Faults.Add(PrivilegeMessages.LoginWithoutPassword(role, context.Databases.IsolatedServer));
    }

    async Task CheckApplicationAsync(string login, CancellationToken cancellationToken)
    {
        var server = context.Databases.IsolatedServer;
        var role = context.Tenancy.ApplicationRole;
        var found = await context.Server.QueryFirstOrDefaultAsync<(bool CanLogIn, bool IsMember, bool MayGrant)?>(
            """
            SELECT l.rolcanlogin,
                   l.rolname = @role OR coalesce((SELECT pg_has_role(l.oid, r.oid, 'MEMBER')
                                                  FROM pg_roles r WHERE r.rolname = @role), false),
                   me.rolsuper
                   OR (me.rolcreaterole AND (current_setting('server_version_num')::int < 160000
                                             OR NOT EXISTS (SELECT FROM pg_roles WHERE rolname = @role)))
                   OR coalesce((SELECT pg_has_role(me.oid, r.oid, 'MEMBER WITH ADMIN OPTION')
                                FROM pg_roles r WHERE r.rolname = @role), false)
            FROM pg_roles l, pg_roles me WHERE l.rolname = @login AND me.rolname = current_user
            """,
            new { login, role },
            cancellationToken
        );
        if (found is { CanLogIn: false })
            context.Faults.Add(PrivilegeMessages.NoLogin(login, server));
        else if (found is null)
            context.Faults.Add(PrivilegeMessages.LoginWithoutPassword(login, server));
        else if (found is { IsMember: false, MayGrant: false })
            context.Faults.Add(PrivilegeMessages.ApplicationNotMember(login, role, server));
        else if (context.Tenancy.ApplicationPassword is not { } password)
            context.Warnings.Add(PrivilegeMessages.ApplicationNotTried(login));
        else if (
            await ApplicationLogin.TryAsync(context.Databases.MaintenanceServer, login, password, cancellationToken) is
            { } why
        )
            context.Faults.Add(why);
    }
}
