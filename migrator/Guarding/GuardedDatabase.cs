using Migrator.Journal;
using Npgsql;

namespace Migrator.Guarding;

/// <summary>A database whose guard a run closes and opens.</summary>
/// <param name="Server">How the run reaches the database.</param>
/// <param name="TransactAsync">Does work there in one commit, which fails in a superseded run.</param>
public sealed record GuardedDatabase(
    WriteGuard Guard,
    NpgsqlConnectionStringBuilder Server,
    TimeProvider Clock,
    Func<Func<JournalTransaction, Task>, CancellationToken, Task> TransactAsync
)
{
    /// <summary>
    /// Closes the guard for a pause: the tenant's writes wait until the pause ends, or fail. Waits for the transactions
    /// that have written for the tenant.
    /// </summary>
    /// <inheritdoc cref="ClosedGuard.PauseAsync"/>
    /// <param name="refuses">Whether writes fail.</param>
    public Task<ClosedGuard> PauseAsync(
        bool refuses,
        TimeSpan timeout,
        TimeSpan limit,
        CancellationToken cancellationToken
    ) =>
        refuses
            ? ClosedGuard.RefuseAsync(this, timeout, limit, SetClosedAsync, cancellationToken)
            : ClosedGuard.PauseAsync(this, timeout, limit, cancellationToken);

    /// <summary>Writes into the guard's row that the tenant's writes fail.</summary>
    public Task SetClosedAsync(JournalTransaction transaction) =>
        Guard.SetAsync(transaction, GuardState.Open, GuardState.Closed);
}
