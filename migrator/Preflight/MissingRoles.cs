using Migrator.Connections;
using Migrator.Schema;
using Migrator.Settings;
using Npgsql;

namespace Migrator.Preflight;

/// <summary>Roles that the shared database names, apart from superusers and the migrator's own.</summary>
/// <param name="Owners">Those of objects: what they own is dumped with their name.</param>
/// <param name="Logins">Those that the isolated database's server lacks, and that the application logs in as.</param>
/// <param name="Groups">The others that are missing there; the migrator can make them.</param>
sealed record MissingRoles(IReadOnlyList<string> Owners, IReadOnlyList<string> Logins, IReadOnlyList<string> Groups)
{
    /// <param name="ours">The migrator's own roles.</param>
    public static async Task<MissingRoles> ReadAsync(
        NpgsqlConnection shared,
        NpgsqlConnection server,
        Tenancy tenancy,
        string[] ours,
        CancellationToken cancellationToken
    )
    {
        var there = (
            await server.QueryAsync<string>("SELECT rolname::text FROM pg_roles", cancellationToken)
        ).ToHashSet();
        var named = await NamedAsync(shared, ours, cancellationToken);
        // As Provision has it: where the application logs in as a member of its role, that role is a group there.
        var group =
            tenancy.ApplicationLogin is { } login && login != tenancy.ApplicationRole ? tenancy.ApplicationRole : null;
        var logins = named.Where(role => role.CanLogIn && role.Name != group).Select(role => role.Name);
        if (tenancy.ApplicationLogin is { } application)
            logins = logins.Append(application);
        string[] missing = [.. logins.Where(role => !there.Contains(role)).Distinct()];
        return new(
            [.. named.Where(role => role.Owns).Select(role => role.Name)],
            missing,
            [.. named.Select(role => role.Name).Where(role => !there.Contains(role)).Except(missing)]
        );
    }

    // Owners, whom a privilege or a policy names, and whom default privileges of an owner name.
    static Task<IReadOnlyList<(string Name, bool CanLogIn, bool Owns)>> NamedAsync(
        NpgsqlConnection shared,
        string[] ours,
        CancellationToken cancellationToken
    ) =>
        shared.QueryAsync<(string, bool, bool)>(
            $"""
            WITH here AS (
                SELECT d.*, {DatabaseRoles.IsCopied} AS is_copied FROM pg_shdepend d
                WHERE d.refclassid = 'pg_authid'::regclass
                  AND d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
            )
            SELECT r.rolname::text, r.rolcanlogin, bool_or(d.is_copied AND d.deptype = 'o')
            FROM here d JOIN pg_roles r ON r.oid = d.refobjid
            WHERE NOT r.rolsuper AND r.rolname <> ALL (@ours) AND r.rolname NOT LIKE 'pg\_%'
              AND (d.is_copied OR d.classid = 'pg_default_acl'::regclass AND EXISTS (
                  SELECT FROM pg_default_acl a, here o
                  WHERE a.oid = d.objid AND o.is_copied AND o.deptype = 'o' AND pg_has_role(o.refobjid, a.defaclrole, 'USAGE')))
            GROUP BY r.rolname, r.rolcanlogin ORDER BY 1
            """,
            new { ours },
            cancellationToken
        );
}
