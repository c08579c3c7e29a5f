using Migrator.Connections;
using Migrator.Cutover;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Runs;
using Migrator.Schema;

namespace Migrator.Phases;

/// <summary>
/// Makes sure that the application may read the isolated database, and logs in as it where its password is known, so
/// that the flip sends nobody to a closed door.
/// </summary>
public sealed class TryApplicationLogin : Phase
{
    public override string Name => PhaseName.TryApplicationLogin;
    public override string Title => "Log in as the application";
    public override string State => PromotionState.Verifying;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        if (run.Tenancy.ApplicationLogin is not { } login)
            return new("not tried: application_login names nobody");
        var readable = await RequireRightsAsync(run, login, cancellationToken);
        if (run.Tenancy.ApplicationPassword is not { } password)
            return new($"{login} may read {readable} tables; its password is not known, so nobody logged in");
        if (
            await ApplicationLogin.TryAsync(run.Databases.IsolatedServer, login, password, cancellationToken) is { } why
        )
            throw new MigratorException(ExitCode.Failed, why);
        return new($"{login} may log in, and read {readable} tables");
    }

    // The privileges are the restored ones: what was granted in the shared database must have arrived here.
    static async Task<int> RequireRightsAsync(PromotionRun run, string login, CancellationToken cancellationToken)
    {
        var role = run.Tenancy.ApplicationRole;
        var tables = run.Scope.CopiedTables.Select(table => table.Name).ToArray();
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        await using var isolated = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken);
        var readable = await ApplicationRights.ReadableAsync(isolated, tables, login, cancellationToken);
        if (readable.Count == 0)
            throw Unreadable(ApplicationMessages.ReadsNothing(login, role, run.Databases.IsolatedServer));
        var granted = await ApplicationRights.GrantedAsync(shared, tables, role, login, cancellationToken);
        if (granted.Except(readable).ToArray() is { Length: > 0 } missing)
            throw Unreadable(ApplicationMessages.ReadsLess(login, role, missing, run.Databases.IsolatedServer));
        if (!await MayConnectAsync(run, login, cancellationToken))
            throw Unreadable(ApplicationMessages.CannotConnect(login, role, run.Tenant.Slug.DatabaseName));
        return readable.Count;
    }

    // CONNECT is granted at the flip, to the roles that are named there.
    static async Task<bool> MayConnectAsync(PromotionRun run, string login, CancellationToken cancellationToken)
    {
        var roles = (await Flip.RolesAsync(run, cancellationToken)).ToArray();
        await using var isolated = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken);
        return await isolated.ExecuteScalarAsync<bool>(
            """
            SELECT EXISTS (
                SELECT FROM pg_roles l JOIN pg_roles r ON pg_has_role(l.oid, r.oid, 'MEMBER')
                WHERE l.rolname = @login
                  AND (r.rolname = ANY (@roles) OR has_database_privilege(r.oid, current_database(), 'CONNECT')))
            """,
            new { login, roles },
            cancellationToken
        );
    }

    static MigratorException Unreadable(string sentence) => new(ExitCode.Failed, sentence);
}
