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

    public GuardedDatabase Guarded => new(Guard, run.Databases.IsolatedServer, run.Clock, TransactAsync);

    /// <summary>
    /// Installs both guards: the tenant has moved out of the shared database, and writes in the isolated one.
    /// </summary>
    public async Task InstallAsync(CancellationToken cancellationToken)
    {
        // After finalize the shared side has no guard. It must refuse writes before rows are copied back.
        await run.Guard.InstallAsync(GuardState.Moved, cancellationToken);
        await run.Databases.EndLeftoverSessionsAsync(run.Clock, cancellationToken);
        await run.Isolated.ClaimAsync(cancellationToken);
        await using var connection = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync(SqlFile.Read("guard.sql"), cancellationToken);
        await Guard.InstallAsync(GuardState.Open, cancellationToken);
    }

    /// <summary>
    /// The commit by which the tenant leaves the isolated database. The flip back in the shared database must follow at
    /// once, or <see cref="OpenAsync"/>.
    /// </summary>
    public Task LeaveAsync(ClosedGuard closed, TimeSpan timeout, CancellationToken cancellationToken) =>
        closed.CommitAsync(
            timeout,
            transaction => run.Isolated.RequireCurrentRunAsync(transaction.Connection, cancellationToken),
            cancellationToken
        );

    /// <summary>Opens the guard: the tenant stays here.</summary>
    public async Task OpenAsync(CancellationToken cancellationToken)
    {
        await TransactAsync(Guard.ReturnAsync, cancellationToken);
        await Guard.CalmAsync(cancellationToken);
    }

    /// <summary>Opens a guard that an earlier run has left closed; does nothing if there is none.</summary>
    public async Task ReopenAsync(CancellationToken cancellationToken)
    {
        if (await Guard.StateAsync(cancellationToken) is null or GuardState.Open)
            return;
        await run.Databases.EndLeftoverSessionsAsync(run.Clock, cancellationToken);
        await run.Isolated.ClaimAsync(cancellationToken);
        await OpenAsync(cancellationToken);
    }

    /// <summary>Opens the guard and removes it; does nothing if there is none.</summary>
    public async Task RemoveAsync(CancellationToken cancellationToken)
    {
        if (await Guard.StateAsync(cancellationToken) is null)
            return;
        run.Closed = null;
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
