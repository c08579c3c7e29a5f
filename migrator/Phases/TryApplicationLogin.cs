using Migrator.Connections;
using Migrator.Model;
using Migrator.Runs;

namespace Migrator.Phases;

/// <summary>Logs in to the isolated database's server as the application, so that the flip sends nobody to a closed door.</summary>
public sealed class TryApplicationLogin : Phase
{
    public override string Name => PhaseName.TryApplicationLogin;
    public override string Title => "Log in as the application";
    public override string State => PromotionState.Verifying;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        if (run.Tenancy is not { ApplicationLogin: { } login, ApplicationPassword: { } password })
            return new("not tried: no login with a password is named");
        if (
            await ApplicationLogin.TryAsync(run.Databases.IsolatedServer, login, password, cancellationToken) is { } why
        )
            throw new MigratorException(ExitCode.Failed, why);
        return new($"{login} may log in");
    }
}
