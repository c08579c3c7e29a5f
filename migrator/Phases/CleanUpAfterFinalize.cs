using Migrator.Connections;
using Migrator.Model;
using Migrator.Runs;
using Migrator.Streaming;

namespace Migrator.Phases;

/// <summary>
/// Finalize's last step: raises the fence in the place of the tenant's guard, and removes the slots and the mark in the
/// isolated database. The journal stays as history.
/// </summary>
public sealed class CleanUpAfterFinalize : Phase
{
    public override string Name => PhaseName.CleanUpAfterFinalize;
    public override string Title => "Raise the fence, remove slots and mark";
    public override string State => PromotionState.Isolated;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await run.Guard.RetireAsync(cancellationToken);
        await StreamDirection.RemoveAllAsync(run.Stream, cancellationToken);
        await using var connection = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken);
        await TableLock.RunOnDatabaseAsync(
            connection,
            token => connection.ExecuteAsync("DROP SCHEMA IF EXISTS tenant_promotion CASCADE", token),
            run.Clock,
            cancellationToken
        );
        return new();
    }
}
