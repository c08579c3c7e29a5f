using Migrator.Connections;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Runs;
using Migrator.Schema;
using Migrator.Streaming;
using Npgsql;

namespace Migrator.Phases;

/// <summary>Creates the isolated database, closed to PUBLIC, and the roles that the schema names.</summary>
public sealed class Provision : Phase
{
    public override string Name => PhaseName.Provision;
    public override string Title => "Provision the database";
    public override string State => PromotionState.Preparing;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        var facts = await PlanAsync(run, cancellationToken);
        await run.Journal.Phases.NoteAsync(run.Id, Name, facts, cancellationToken);

        await using var server = await run.Databases.Maintenance.OpenConnectionAsync(cancellationToken);
        if (run.Options.Mode == PromotionOptions.Online)
            await ReplicationRight.TakeAsync(server, run.Databases.IsolatedServer, cancellationToken);
        await CreateRolesAsync(run, server, facts.CreatesRoles, cancellationToken);
        await GrantApplicationAsync(run, server, cancellationToken);
        if (facts.CreatesDatabase && !await IsolatedDatabase.ExistsAsync(server, run.Tenant.Slug, cancellationToken))
            await CreateDatabaseAsync(run, server, cancellationToken);
        await RequireOwnerAsync(run, server, cancellationToken);
        // On an existing database of another owner this has no effect; Validate reports that.
        await server.ExecuteAsync(
            $"REVOKE CONNECT, TEMPORARY ON DATABASE {Sql.Identifier(run.Tenant.Slug.DatabaseName)} FROM PUBLIC",
            cancellationToken
        );
        await run.Isolated.ClaimAsync(cancellationToken);
        await GrantPublicAsync(run, cancellationToken);
        return new($"{run.Tenant.Slug.DatabaseName} on {run.Target.Host}:{run.Target.Port}", facts);
    }

    // Whoever may create databases can have made this one since preflight looked.
    static async Task RequireOwnerAsync(PromotionRun run, NpgsqlConnection server, CancellationToken cancellationToken)
    {
        if (await DatabaseRoles.WhyStrangersAsync(server, run.Databases, cancellationToken) is { } why)
            throw MigratorException.Refused(why);
    }

    // A database that somebody made for us may keep its schema public to itself; pg_restore will tell.
    static async Task GrantPublicAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        await using var isolated = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken);
        foreach (var role in await DatabaseRoles.CreatorsInPublicAsync(shared, cancellationToken))
            await isolated.ExecuteAsync(
                $"GRANT USAGE, CREATE ON SCHEMA public TO {Sql.Identifier(role)}",
                cancellationToken
            );
    }

    public override async Task UndoAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        if ((await run.RecordAsync(cancellationToken)).Phase(Name) is not { } record)
            return;
        if (PhaseData.Read<ProvisionFacts>(record.Facts) is not { } facts)
            return;
        await using var server = await run.Databases.Maintenance.OpenConnectionAsync(cancellationToken);
        if (await IsolatedDatabase.ExistsAsync(server, run.Tenant.Slug, cancellationToken))
        {
            await run.Databases.EndLeftoverSessionsAsync(run.Clock, cancellationToken);
            if (facts.CreatesDatabase)
                await IsolatedDatabase.DropAsync(run, cancellationToken);
            else
                await EmptyAsync(run, cancellationToken);
            if (facts.RevokesPublic)
                await server.ExecuteAsync(
                    $"GRANT CONNECT, TEMPORARY ON DATABASE {Sql.Identifier(run.Tenant.Slug.DatabaseName)} TO PUBLIC",
                    cancellationToken
                );
        }
        foreach (var role in facts.CreatesRoles)
            await DropRoleAsync(server, role, cancellationToken);
    }

    // A run may be killed after it has noted its plan. The next run must then recognise the database as its own.
    static async Task<ProvisionFacts> PlanAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        if (
            (await run.RecordAsync(cancellationToken)).Phase(PhaseName.Provision) is { } record
            && PhaseData.Read<ProvisionFacts>(record.Facts) is { CreatesRoles: not null } noted
        )
            return noted;
        await using var server = await run.Databases.Maintenance.OpenConnectionAsync(cancellationToken);
        var roles = await DatabaseRoles.ReadAsync(run.Databases.Shared, cancellationToken);
        var known = (
            await server.QueryAsync<string>("SELECT rolname::text FROM pg_roles", cancellationToken)
        ).ToHashSet();
        var open = await server.ExecuteScalarAsync<bool>(
            """
            SELECT EXISTS (SELECT FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) acl
                           WHERE d.datname = @name AND acl.grantee = 0 AND acl.privilege_type = 'CONNECT')
            """,
            new { name = run.Tenant.Slug.DatabaseName },
            cancellationToken
        );
        return new(
            !await IsolatedDatabase.ExistsAsync(server, run.Tenant.Slug, cancellationToken),
            [.. roles.Where(role => !known.Contains(role))],
            open
        );
    }

    // Passwords cannot be read, so the role gets none and cannot log in until a person sets one.
    static async Task CreateRolesAsync(
        PromotionRun run,
        NpgsqlConnection server,
        string[] roles,
        CancellationToken cancellationToken
    )
    {
        if (roles.Length == 0)
            return;
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        foreach (var role in roles)
            if (await CreateRoleAsync(run, shared, server, role, cancellationToken))
                run.Progress.Warn(PromotionMessages.RoleWithoutPassword(role, run.Target));
    }

    /// <returns>The role is one to log in with.</returns>
    static async Task<bool> CreateRoleAsync(
        PromotionRun run,
        NpgsqlConnection shared,
        NpgsqlConnection server,
        string role,
        CancellationToken cancellationToken
    )
    {
        var (login, inherit) = await shared.QuerySingleAsync<(bool, bool)>(
            "SELECT rolcanlogin, rolinherit FROM pg_roles WHERE rolname = @role",
            new { role },
            cancellationToken
        );
        // A group there, if the application logs in as a member.
        login &= role != run.Tenancy.ApplicationRole || run.Tenancy.ApplicationLogin is null;
        if (
            !await server.ExecuteScalarAsync<bool>(
                "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = @role)",
                new { role },
                cancellationToken
            )
        )
            await server.ExecuteAsync(
                $"CREATE ROLE {Sql.Identifier(role)} "
                    + $"{(login ? "LOGIN" : "NOLOGIN")} {(inherit ? "INHERIT" : "NOINHERIT")}",
                cancellationToken
            );
        // Making a role the owner of objects needs membership in that role.
        await server.ExecuteAsync($"GRANT {Sql.Identifier(role)} TO {Worker(run)}", cancellationToken);
        return login;
    }

    // Preflight has made sure that this is allowed, or done already.
    static async Task GrantApplicationAsync(
        PromotionRun run,
        NpgsqlConnection server,
        CancellationToken cancellationToken
    )
    {
        var (role, login) = (run.Tenancy.ApplicationRole, run.Tenancy.ApplicationLogin);
        if (login is null || login == role)
            return;
        var isMember = await server.ExecuteScalarAsync<bool?>(
            "SELECT pg_has_role(@login, oid, 'MEMBER') FROM pg_roles WHERE rolname = @role",
            new { login, role },
            cancellationToken
        );
        if (isMember == false)
            await server.ExecuteAsync($"GRANT {Sql.Identifier(role)} TO {Sql.Identifier(login)}", cancellationToken);
    }

    // The role that owns the isolated database and restores the schema.
    static string Worker(PromotionRun run) =>
        run.Databases.IsolatedServer.Username is { } name ? Sql.Identifier(name) : "CURRENT_USER";

    static async Task DropRoleAsync(NpgsqlConnection server, string role, CancellationToken cancellationToken)
    {
        try
        {
            await server.ExecuteAsync($"DROP ROLE IF EXISTS {Sql.Identifier(role)}", cancellationToken);
        }
        catch (PostgresException e)
            when (e.SqlState
                    is PostgresErrorCodes.DependentObjectsStillExist
                        or PostgresErrorCodes.InsufficientPrivilege
            )
        {
            // Another tenant's database on this server may use the role by now.
        }
    }

    static async Task CreateDatabaseAsync(
        PromotionRun run,
        NpgsqlConnection server,
        CancellationToken cancellationToken
    )
    {
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        // The catalog's columns differ between versions 14 and 18, so the whole row is read.
        var json = await shared.ExecuteScalarAsync<string>(
            """
            SELECT (to_jsonb(d) || jsonb_build_object('encoding_name', pg_encoding_to_char(encoding)))::text
            FROM pg_database d WHERE datname = current_database()
            """,
            cancellationToken
        );
        var row = System.Text.Json.Nodes.JsonNode.Parse(json!)!;
        var owner = run.Databases.IsolatedServer.Username is null ? "" : $"OWNER {Worker(run)} ";
        await server.ExecuteAsync(
            $"CREATE DATABASE {Sql.Identifier(run.Tenant.Slug.DatabaseName)} {owner}{Options(row)}",
            cancellationToken
        );
    }

    static string Options(System.Text.Json.Nodes.JsonNode row)
    {
        string? Text(string name) => (string?)row[name];
        var options =
            $"TEMPLATE template0 ENCODING {Sql.Literal(Text("encoding_name")!)} "
            + $"LC_COLLATE {Sql.Literal(Text("datcollate")!)} LC_CTYPE {Sql.Literal(Text("datctype")!)}";
        var locale = Text("datlocale") ?? Text("daticulocale");
        return options
            + Text("datlocprovider") switch
            {
                "i" => $" LOCALE_PROVIDER icu ICU_LOCALE {Sql.Literal(locale!)}"
                    + (Text("daticurules") is { } rules ? $" ICU_RULES {Sql.Literal(rules)}" : ""),
                "b" => $" LOCALE_PROVIDER builtin BUILTIN_LOCALE {Sql.Literal(locale!)}",
                "c" => " LOCALE_PROVIDER libc",
                _ => "",
            };
    }

    static async Task EmptyAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await using var connection = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken);
        if (await IsolatedMark.ReadAsync(connection, cancellationToken) is null)
            return;
        await run.Isolated.RequireDisposableAsync(connection, cancellationToken);
        await TableLock.RunOnDatabaseAsync(
            connection,
            async token =>
            {
                await connection.ExecuteAsync(SqlFile.Read("empty-database.sql"), token);
                return await connection.ExecuteAsync("DROP SCHEMA tenant_promotion CASCADE", token);
            },
            run.Clock,
            cancellationToken
        );
    }
}
