using Migrator.Connections;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Schema;
using Npgsql;

namespace Migrator.Preflight;

/// <summary>The isolated database's server, and the isolated database if it exists already.</summary>
sealed class TargetCheck(PreflightContext context)
{
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await context.CheckWriteAccessAsync(context.Server, cancellationToken);
        var me = await context.Server.QuerySingleAsync<Login>(
            """
            SELECT rolname::text AS "Name", rolsuper AS "Super", rolcreatedb AS "CreateDb", rolcreaterole AS "CreateRole"
            FROM pg_roles WHERE rolname = current_user
            """,
            cancellationToken
        );
        await CheckRolesAsync(me, cancellationToken);
        await CheckDatabaseAsync(me, cancellationToken);
    }

    async Task CheckRolesAsync(Login me, CancellationToken cancellationToken)
    {
        var known = (
            await context.Server.QueryAsync<string>("SELECT rolname::text FROM pg_roles", cancellationToken)
        ).ToHashSet();
        var missing = (await DatabaseRoles.ReadAsync(context.Databases.Shared, cancellationToken))
            .Where(role => !known.Contains(role))
            .ToArray();
        var worker = context.Databases.IsolatedServer.Username ?? me.Name;
        if (!me.Super || worker != me.Name)
            foreach (var owner in (await OwnersAsync(context.Shared, cancellationToken)).Where(known.Contains))
                await RequireMemberAsync(worker, owner, cancellationToken);
        // The database is created for the worker, and dropped, by the administrator.
        if (!me.Super)
            await RequireMemberAsync(me.Name, worker, cancellationToken);
        await CheckBypassAsync(worker, cancellationToken);
        if (missing.Length > 0 && !me.CreateRole && !me.Super)
            context.Faults.Add(PrivilegeMessages.RolesMissing(me.Name, missing));
        if (!known.Contains(context.Tenancy.ApplicationRole) && !missing.Contains(context.Tenancy.ApplicationRole))
            context.Warnings.Add(PrivilegeMessages.NoApplicationRole(context.Tenancy.ApplicationRole));
    }

    // On one server the worker's own rights have been looked at.
    async Task CheckBypassAsync(string worker, CancellationToken cancellationToken)
    {
        var (shared, isolated) = (context.Databases.SharedServer, context.Databases.IsolatedServer);
        TableName[] forced =
        [
            .. context.Scope.CopiedTables.Where(table => table.Table.ForcedRowSecurity).Select(table => table.Name),
        ];
        if (
            forced.Length > 0
            && (shared.Host, shared.Port) != (isolated.Host, isolated.Port)
            && !await context.Server.ExecuteScalarAsync<bool>(
                "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = @worker AND (rolsuper OR rolbypassrls))",
                new { worker },
                cancellationToken
            )
        )
            context.Faults.Add(PrivilegeMessages.ForcedRowSecurityThere(worker, forced, isolated));
    }

    // Making a role the owner of an object needs the right to become that role, which is a separate right since version
    // 16.
    async Task RequireMemberAsync(string member, string role, CancellationToken cancellationToken)
    {
        var membership = context.Server.PostgreSqlVersion.Major >= 16 ? "SET" : "MEMBER";
        if (
            !await context.Server.ExecuteScalarAsync<bool>(
                $"SELECT pg_has_role(@member, @role, '{membership}')",
                new { member, role },
                cancellationToken
            )
        )
            context.Faults.Add(PrivilegeMessages.NotMemberOnTarget(member, role, context.Databases.IsolatedServer));
    }

    async Task CheckDatabaseAsync(Login me, CancellationToken cancellationToken)
    {
        if (await CollationAsync(context.Server, context.Slug.DatabaseName, cancellationToken) is not { } there)
        {
            if (!me.CreateDb && !me.Super)
                context.Faults.Add(PrivilegeMessages.NoCreateDb(me.Name));
            return;
        }

        var here = (await CollationAsync(context.Shared, context.Shared.Database, cancellationToken))!.Value;
        if (here != there)
            context.Faults.Add(
                PreflightMessages.CollationDiffers(
                    context.Slug,
                    $"{here.Encoding}, {here.Collate}, {here.CType}",
                    $"{there.Encoding}, {there.Collate}, {there.CType}"
                )
            );
        // What the database holds is not looked at either: its owner decides what our session does there.
        if (await DatabaseRoles.WhyStrangersAsync(context.Server, context.Databases, cancellationToken) is { } why)
            context.Faults.Add(why);
        else
            await CheckExistingDatabaseAsync(cancellationToken);
    }

    static Task<(string Encoding, string Collate, string CType)?> CollationAsync(
        NpgsqlConnection server,
        string database,
        CancellationToken cancellationToken
    ) =>
        server.QueryFirstOrDefaultAsync<(string Encoding, string Collate, string CType)?>(
            """
            SELECT pg_encoding_to_char(encoding), datcollate::text, datctype::text
            FROM pg_database WHERE datname = @database
            """,
            new { database },
            cancellationToken
        );

    static async Task<IReadOnlyList<string>> OwnersAsync(
        NpgsqlConnection shared,
        CancellationToken cancellationToken
    ) =>
        [
            .. await shared.QueryAsync<string>(
                $"""
                SELECT DISTINCT r.rolname::text FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid
                WHERE d.refclassid = 'pg_authid'::regclass AND d.deptype = 'o'
                  AND d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
                  AND d.classid IN (
                      'pg_class'::regclass, 'pg_proc'::regclass, 'pg_type'::regclass, 'pg_namespace'::regclass)
                  AND {DatabaseRoles.IsCopied}
                """,
                cancellationToken
            ),
        ];

    async Task CheckExistingDatabaseAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var isolated = await context.Databases.Isolated.OpenConnectionAsync(cancellationToken);
            await context.CheckWriteAccessAsync(isolated, cancellationToken);
            var mark = await IsolatedMark.ReadAsync(isolated, cancellationToken);
            if (mark?.TenantKey == context.Tenant.Key)
                await CheckMarkAsync(mark, isolated, cancellationToken);
            else if (mark is not null || !await IsolatedJournal.IsEmptyAsync(isolated, cancellationToken))
                context.Faults.Add(PreflightMessages.TargetNotOurs(context.Slug, context.Databases.IsolatedServer));
            else if (!await MayCreateAsync(isolated, cancellationToken))
                context.Faults.Add(
                    PrivilegeMessages.NoCreateOnDatabase(
                        context.Databases.IsolatedServer.Username!,
                        context.Slug.DatabaseName
                    )
                );
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.InsufficientPrivilege)
        {
            context.Faults.Add(PreflightMessages.TargetNotOurs(context.Slug, context.Databases.IsolatedServer));
        }
    }

    static Task<bool> MayCreateAsync(NpgsqlConnection isolated, CancellationToken cancellationToken) =>
        isolated.ExecuteScalarAsync<bool>(
            """
            SELECT has_database_privilege(current_database(), 'CREATE') AND has_schema_privilege('public', 'CREATE')
            """,
            cancellationToken
        );

    // No promotion is under way here, so an existing database must be the copy that an ended rollback has left.
    async Task CheckMarkAsync(IsolatedMark mark, NpgsqlConnection isolated, CancellationToken cancellationToken)
    {
        var here = await IsolatedMark.IdentityAsync(context.Shared, cancellationToken);
        if (mark.Foreign(here, context.Slug) is { } foreign)
            context.Faults.Add(foreign);
        else if (
            mark.IsLive
            || !await HasEndedAsync(mark, cancellationToken)
            || await SaysIsolatedAsync(isolated, cancellationToken)
        )
            context.Faults.Add(PreflightMessages.IsolatedIsLive(context.Slug, mark.Promotion));
    }

    async Task<bool> HasEndedAsync(IsolatedMark mark, CancellationToken cancellationToken) =>
        (await JournalReader.FindAsync(context.Shared, context.Tenant.Key, cancellationToken))
            is { Stage: PromotionStage.RolledBack } last
        && last.Id == mark.Promotion;

    // An emptied copy, or one of an early stop, has no such table.
    async Task<bool> SaysIsolatedAsync(NpgsqlConnection isolated, CancellationToken cancellationToken)
    {
        const string exists = "SELECT to_regclass(@table) IS NOT NULL";
        var tenants = context.Tenancy.Table.Quoted;
        return await isolated.ExecuteScalarAsync<bool>(exists, new { table = tenants }, cancellationToken)
            && await isolated.ExecuteScalarAsync<string?>(
                $"""
                SELECT {Sql.Identifier(context.Tenancy.ModeColumn)}::text FROM {tenants} t
                WHERE {context.Scope.IsRoot("t", context.Tenant.Id)}
                """,
                cancellationToken
            ) == Tenant.IsolatedMode;
    }

    /// <summary>The role that the migrator has on the server.</summary>
    sealed record Login(string Name, bool Super, bool CreateDb, bool CreateRole);
}
