using Migrator.Connections;
using Migrator.Model;
using Migrator.Settings;
using Npgsql;

namespace Migrator.Preflight;

/// <summary>The least that the migrator's roles need for one database, as the catalogs tell.</summary>
/// <param name="worker">The role that reads and writes rows.</param>
/// <param name="administrator">The role for slots, databases and roles; the worker if there is one role for all.</param>
/// <param name="tenancy">Says whom the application logs in as.</param>
public sealed class LeastPrivileges(string worker, string administrator, Tenancy tenancy)
{
    /// <summary>The shared database's server, in <see cref="NeededPrivilege.Server"/>.</summary>
    public const string Shared = "shared";

    const string Isolated = "isolated";

    string[] Ours => worker == administrator ? [worker] : [worker, administrator];

    /// <summary>The isolated database is to be on the shared one's server.</summary>
    public static bool IsOneServer(MigratorSettings settings) =>
        (settings.Source.Host, settings.Source.Port) == (settings.Target.Host, settings.Target.Port);

    /// <summary>As the logins of the settings see both servers.</summary>
    public async Task<IReadOnlyList<NeededPrivilege>> ReadAsync(
        MigratorSettings settings,
        CancellationToken cancellationToken
    )
    {
        await using var shared = await Databases.OpenSharedAsync(settings, cancellationToken);
        var target = settings.TargetAdministrator?.At(settings.Target) ?? settings.Target;
        await using var server = await Databases.OpenAsync(target, cancellationToken);
        return await ReadAsync(shared, server, IsOneServer(settings), cancellationToken);
    }

    /// <param name="shared">The shared database; any login that may connect can ask.</param>
    /// <param name="server">The database of the isolated database's server to which the migrator connects.</param>
    /// <param name="isSame">Both are on one server.</param>
    public async Task<IReadOnlyList<NeededPrivilege>> ReadAsync(
        NpgsqlConnection shared,
        NpgsqlConnection server,
        bool isSame,
        CancellationToken cancellationToken
    )
    {
        var roles = await MissingRoles.ReadAsync(shared, server, tenancy, Ours, cancellationToken);
        var (here, there) = (
            new RoleRights(shared, Shared, cancellationToken),
            new RoleRights(server, Isolated, cancellationToken)
        );
        var forced = await shared.ExecuteScalarAsync<string?>(
            "SELECT string_agg(oid::regclass::text, ', ' ORDER BY 1) FROM pg_class WHERE relforcerowsecurity",
            cancellationToken
        );
        return
        [
            .. await OfRowsAsync(shared, cancellationToken),
            .. await BypassAsync(here, forced),
            .. await OfSharedAsync(here, roles.Owners, isSame),
            .. isSame ? [] : await OfOtherServerAsync(there, roles.Logins),
            .. isSame ? [] : await BypassAsync(there, forced),
            .. await OfIsolatedAsync(there, roles, isSame),
        ];
    }

    async Task<IEnumerable<NeededPrivilege>> BypassAsync(RoleRights rights, string? forced) =>
        forced is null
            ? []
            :
            [
                await rights.AttributeAsync(
                    worker,
                    "BYPASSRLS",
                    $"FORCE ROW LEVEL SECURITY hides rows even from the owner of {forced}"
                ),
            ];

    async Task<IEnumerable<NeededPrivilege>> OfRowsAsync(
        NpgsqlConnection shared,
        CancellationToken cancellationToken
    ) =>
        (
            await shared.QueryAsync<(string Statement, string Reason, bool IsThere, bool ByHand)>(
                SqlFile.Read("least-privileges.sql"),
                new { worker },
                cancellationToken
            )
        ).Select(row => new NeededPrivilege(Shared, row.Statement, row.Reason, row.IsThere, row.ByHand));

    async Task<List<NeededPrivilege>> OfSharedAsync(RoleRights rights, IReadOnlyList<string> owners, bool isSame)
    {
        var needed = new List<NeededPrivilege>();
        if (worker != administrator)
            needed.Add(
                await rights.LoginAsync(
                    administrator,
                    "has the replication slots, and reads no table; a new role has no password yet"
                )
            );
        // On one server the administrator is a member of the worker.
        foreach (var role in isSame ? [worker] : Ours)
            needed.AddRange(await rights.ConnectAsync(role, role == worker ? owners : []));
        needed.Add(
            await rights.AttributeAsync(
                administrator,
                "REPLICATION",
                "the change stream's slot; not needed with --mode fenced"
            )
        );
        return needed;
    }

    async Task<List<NeededPrivilege>> OfIsolatedAsync(RoleRights rights, MissingRoles roles, bool isSame)
    {
        var needed = new List<NeededPrivilege>();
        foreach (var role in Ours)
            needed.AddRange(await rights.ConnectAsync(role, through: []));
        needed.Add(await rights.AttributeAsync(administrator, "CREATEDB", "creates and drops the isolated database"));
        if (worker != administrator)
            needed.Add(
                await rights.MembershipAsync(
                    administrator,
                    worker,
                    "makes the worker the owner of the isolated database; never the other way round"
                )
            );
        foreach (var owner in isSame ? [] : roles.Owners.Except(roles.Groups))
            needed.Add(await rights.MembershipAsync(worker, owner, "gives the restored objects to their owner"));
        if (roles.Groups.Count > 0)
            needed.Add(
                await rights.AttributeAsync(
                    administrator,
                    "CREATEROLE",
                    $"makes {string.Join(", ", roles.Groups)}; not needed if you make them first"
                )
            );
        return needed;
    }

    async Task<List<NeededPrivilege>> OfOtherServerAsync(RoleRights rights, IEnumerable<string> logins)
    {
        var needed = new List<NeededPrivilege>
        {
            await rights.LoginAsync(worker, "owns the isolated database; a new role has no password yet"),
        };
        if (worker != administrator)
            needed.Add(
                await rights.LoginAsync(administrator, "makes the isolated database; a new role has no password yet")
            );
        foreach (var role in logins)
            needed.Add(
                await rights.LoginAsync(
                    role,
                    "logs in to the shared database; give the role its password, which is not copied"
                )
            );
        needed.Add(await rights.AttributeAsync(administrator, "REPLICATION", "the slot of a rollback by stream"));
        return needed;
    }
}
