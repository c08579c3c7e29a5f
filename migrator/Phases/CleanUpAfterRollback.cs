using Migrator.Connections;
using Migrator.Journal;
using Migrator.Model;
using Migrator.Routing;
using Migrator.Runs;
using Migrator.Streaming;
using Npgsql;

namespace Migrator.Phases;

/// <summary>
/// Cleans up after a flip back: routing file, guard, streams, and the tenant's row in the isolated database.
/// The isolated database stays, with its guard closed.
/// </summary>
public sealed class CleanUpAfterRollback : Phase
{
    public override string Name => PhaseName.CleanUpAfterRollback;
    public override string Title => "Clean up";
    public override string State => PromotionState.Shared;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        run.Routing.Remove(run.Tenant.Slug);
        await run.Guard.RemoveAsync(cancellationToken);
        await StreamDirection.RemoveAllAsync(run.Stream, cancellationToken);
        await MarkIsolatedAsync(run, cancellationToken);
        return new();
    }

    // The remaining copy states the same owner as the shared database.
    static async Task MarkIsolatedAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await using var connection = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken);
        await TableLock.RunAsync(
            connection,
            run.Tenancy.Table,
            token => MarkIsolatedAsync(run, connection, token),
            run.Clock,
            cancellationToken
        );
    }

    static async Task<int> MarkIsolatedAsync(
        PromotionRun run,
        NpgsqlConnection connection,
        CancellationToken cancellationToken
    )
    {
        // An earlier version may have installed this guard.
        await connection.ExecuteAsync(SqlFile.Read("guard.sql"), cancellationToken);
        await run.IsolatedGuard.Guard.PassAsync(connection, cancellationToken);
        await IsolatedJournal.PassAsync(connection, cancellationToken);
        await TenantRow.FlipAsync(
            new(connection, cancellationToken),
            run.Tenancy,
            run.Scope,
            run.Tenant,
            Tenant.SharedMode,
            null
        );
        return await run.Isolated.SetLiveAsync(connection, false, cancellationToken);
    }
}
