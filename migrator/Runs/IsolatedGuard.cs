using Migrator.Connections;
using Migrator.Guarding;
using Migrator.Journal;
using Migrator.Model;

namespace Migrator.Runs;

/// <summary>
/// The write guard in the isolated database: the same rules as in the shared one, but every row is the
/// tenant's.
/// </summary>
public sealed class IsolatedGuard(PromotionRun run)
{
    public WriteGuard Guard { get; } = new(run.Databases.Isolated, run.Common, run.Tenant, run.Clock);

    /// <summary>Installs both guards: closed in the shared database, open in the isolated one.</summary>
    public async Task InstallAsync(CancellationToken cancellationToken)
    {
        // After finalize the shared side has no guard. It must refuse writes before rows are copied back.
        await run.Guard.InstallAsync(GuardState.Closed, cancellationToken);
        await run.Databases.EndLeftoverSessionsAsync(run.Clock, cancellationToken);
        await run.Isolated.ClaimAsync(cancellationToken);
        await using var connection = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync(SqlFile.Read("guard.sql"), cancellationToken);
        await Guard.InstallAsync(GuardState.Open, cancellationToken);
    }

    /// <param name="timeout">How long to wait for the tenant's open transactions.</param>
    public Task CloseAsync(TimeSpan timeout, CancellationToken cancellationToken) =>
        TransactAsync(transaction => Guard.CloseAsync(transaction, timeout), cancellationToken);

    public Task OpenAsync(CancellationToken cancellationToken) => TransactAsync(Guard.OpenAsync, cancellationToken);

    /// <summary>Opens the guard and removes it; does nothing if there is none.</summary>
    public async Task RemoveAsync(CancellationToken cancellationToken)
    {
        if (await Guard.StateAsync(cancellationToken) is null)
            return;
        await run.Isolated.ClaimAsync(cancellationToken);
        await OpenAsync(cancellationToken);
        await Guard.RemoveAsync(cancellationToken);
    }

    // A transaction in the isolated database that fails in a superseded run.
    async Task TransactAsync(Func<JournalTransaction, Task> work, CancellationToken cancellationToken)
    {
        await using var connection = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await run.Isolated.RequireCurrentRunAsync(connection, cancellationToken);
        await work(new(connection, cancellationToken));
        await transaction.CommitAsync(cancellationToken);
    }
}
