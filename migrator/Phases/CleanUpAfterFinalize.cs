using Migrator.Connections;
using Migrator.Cutover;
using Migrator.Journal;
using Migrator.Model;
using Migrator.Runs;
using Migrator.Streaming;

namespace Migrator.Phases;

/// <summary>Finalize's last step: no guard in the shared database, no slot anywhere, no mark in the isolated one. The journal stays as history.</summary>
public sealed class CleanUpAfterFinalize : Phase
{
    public override string Name => PhaseName.CleanUpAfterFinalize;
    public override string Title => "Remove guard, slots and marks";
    public override string State => PromotionState.Isolated;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await run.Guard.RemoveAsync(cancellationToken);
        await StreamDirection.RemoveAllAsync(run, cancellationToken);
        await using var connection = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync("DROP SCHEMA IF EXISTS tenant_promotion CASCADE", cancellationToken);
        return new();
    }
}
