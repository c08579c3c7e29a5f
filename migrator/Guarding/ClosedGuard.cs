using Migrator.Connections;
using Migrator.Journal;
using Migrator.Model;
using Npgsql;

namespace Migrator.Guarding;

/// <summary>
/// A transaction that keeps a guard closed by a lock. Whatever ends the transaction opens the guard: a failure, a kill,
/// the server's own timeouts. Only the transaction's commit moves the tenant. So the tenant's writes go on, or the
/// tenant has moved, and no run has to come back for that.
/// </summary>
/// <remarks>
/// A table's lock is held until the end of the transaction:
/// https://www.postgresql.org/docs/current/explicit-locking.html. A session that is idle within a transaction is ended
/// by its server after a time that we choose:
/// https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-IDLE-IN-TRANSACTION-SESSION-TIMEOUT
/// </remarks>
public sealed class ClosedGuard : IDisposable
{
    // How long a server may hear nothing from a run that copies behind a closed guard.
    static readonly TimeSpan Silence = TimeSpan.FromSeconds(15);
    static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(1);

    // The driver waits a little longer than the server.
    static readonly TimeSpan Margin = TimeSpan.FromSeconds(5);

    readonly GuardedDatabase database;
    readonly NpgsqlConnection connection;
    readonly SemaphoreSlim turn = new(1, 1);
    readonly CancellationTokenSource lost = new();
    readonly CancellationTokenSource ending = new();
    NpgsqlTransaction? transaction;
    Task beating = Task.CompletedTask;
    DateTime began;
    string state = GuardState.Open;
    bool isDisposed;

    ClosedGuard(GuardedDatabase database, NpgsqlConnection connection)
    {
        this.database = database;
        this.connection = connection;
    }

    /// <summary>Cancelled when the server has ended the transaction: from then on the tenant may write.</summary>
    public CancellationToken Lost => lost.Token;

    /// <summary>
    /// Closes the guard for a pause: the tenant's writes wait until this object ends. Waits for the transactions that
    /// have written for the tenant.
    /// </summary>
    /// <param name="timeout">How long to wait for them; new writes wait as well.</param>
    /// <param name="limit">After this time the server opens the guard, whatever became of us.</param>
    /// <exception cref="PostgresException">
    /// <see cref="PostgresErrorCodes.LockNotAvailable"/>: a writer took longer than the timeout.
    /// </exception>
    public static Task<ClosedGuard> PauseAsync(
        GuardedDatabase database,
        TimeSpan timeout,
        TimeSpan limit,
        CancellationToken cancellationToken
    ) =>
        OpenAsync(
            database,
            limit,
            async closed =>
            {
                var asked = database.Clock.GetTimestamp();
                await closed.LockGateAsync(timeout, cancellationToken);
                await closed.LimitAsync(limit - database.Clock.GetElapsedTime(asked), cancellationToken);
            },
            cancellationToken
        );

    /// <summary>
    /// Closes the guard for as long as this object lives: the tenant's writes fail. Waits for the transactions that
    /// have written for the tenant.
    /// </summary>
    /// <param name="limit">
    /// As with <see cref="PauseAsync"/>; null when only a silence of ours is to end the transaction.
    /// </param>
    /// <param name="record">Writes <see cref="GuardState.Closed"/>, and what else belongs into that commit.</param>
    /// <inheritdoc cref="PauseAsync"/>
    public static Task<ClosedGuard> RefuseAsync(
        GuardedDatabase database,
        TimeSpan timeout,
        TimeSpan? limit,
        Func<JournalTransaction, Task> record,
        CancellationToken cancellationToken
    ) =>
        OpenAsync(
            database,
            limit ?? Silence,
            async closed =>
            {
                await closed.LockAsync(database.Guard.Run, timeout, cancellationToken);
                await closed.ExecuteAsync("SAVEPOINT drained", cancellationToken);
                await closed.LockGateAsync(timeout, cancellationToken);
                await database.TransactAsync(record, cancellationToken);
                // The gate is free again: writes find the state, and fail instead of waiting.
                await closed.ExecuteAsync("ROLLBACK TO SAVEPOINT drained", cancellationToken);
                closed.state = GuardState.Closed;
                if (limit is null)
                    closed.beating = closed.BeatAsync();
            },
            cancellationToken
        );

    /// <summary>Takes over a guard that an earlier run has closed; null if the tenant may have written since.</summary>
    /// <param name="epoch">The guard's epoch when it was closed.</param>
    public static async Task<ClosedGuard?> ResumeAsync(
        GuardedDatabase database,
        TimeSpan timeout,
        long epoch,
        CancellationToken cancellationToken
    )
    {
        var closed = await OpenAsync(
            database,
            Silence,
            closed => closed.LockAsync(database.Guard.Run, timeout, cancellationToken),
            cancellationToken
        );
        // Nobody can open the guard any more: what the row says now stays.
        if (await database.Guard.IsClosedAsync(closed.connection, epoch, cancellationToken))
        {
            closed.state = GuardState.Closed;
            closed.beating = closed.BeatAsync();
            return closed;
        }
        closed.Dispose();
        return null;
    }

    /// <summary>
    /// The commit that moves the tenant out of this database: <paramref name="work"/>, the guard's state, and the end
    /// of the lock, together.
    /// </summary>
    /// <param name="timeout">How long a statement may wait for a lock.</param>
    /// <exception cref="NpgsqlException">The server has ended the transaction. The tenant has not moved.</exception>
    public async Task CommitAsync(
        TimeSpan timeout,
        Func<JournalTransaction, Task> work,
        CancellationToken cancellationToken
    )
    {
        await StopBeatingAsync();
        await ExecuteAsync($"SET LOCAL lock_timeout = {(int)timeout.TotalMilliseconds}", cancellationToken);
        var statements = new JournalTransaction(connection, cancellationToken);
        await work(statements);
        await database.Guard.SetAsync(statements, state, GuardState.Moved);
        await transaction!.CommitAsync(cancellationToken);
        state = GuardState.Moved;
    }

    /// <summary>Whether the transaction lives, and so does the lock, or has committed.</summary>
    public async Task<bool> StandsAsync()
    {
        if (state == GuardState.Moved)
            return true;
        await turn.WaitAsync();
        try
        {
            // A statement that is cancelled would end the transaction.
            await ExecuteAsync("SELECT 1", CancellationToken.None);
            return true;
        }
        catch (Exception e) when (e is NpgsqlException or InvalidOperationException)
        {
            await lost.CancelAsync();
            return false;
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>Milliseconds since the guard began to close, by the server's clock.</summary>
    public Task<double> ElapsedAsync(CancellationToken cancellationToken) =>
        connection.ExecuteScalarAsync<double>(
            "SELECT extract(epoch FROM clock_timestamp() - CAST(@began AS timestamptz)) * 1000",
            new { began },
            cancellationToken
        );

    /// <summary>Ends the transaction. Unless it was committed, the guard opens.</summary>
    public void Dispose()
    {
        if (isDisposed)
            return;
        isDisposed = true;
        ending.Cancel();
        beating.ContinueWith(_ => { }, TaskScheduler.Default).GetAwaiter().GetResult();
        connection.Dispose();
        ending.Dispose();
        turn.Dispose();
        lost.Dispose();
    }

    static async Task<ClosedGuard> OpenAsync(
        GuardedDatabase database,
        TimeSpan limit,
        Func<ClosedGuard, Task> close,
        CancellationToken cancellationToken
    )
    {
        var closed = new ClosedGuard(database, Databases.Attended(database.Server, limit + Margin));
        try
        {
            await closed.connection.OpenAsync(cancellationToken);
            closed.transaction = await closed.connection.BeginTransactionAsync(cancellationToken);
            await closed.LimitAsync(limit, cancellationToken);
            closed.began = await closed.connection.ExecuteScalarAsync<DateTime>(
                "SELECT clock_timestamp()",
                cancellationToken
            );
            await close(closed);
            return closed;
        }
        catch
        {
            closed.Dispose();
            throw;
        }
    }

    Task LimitAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        var milliseconds = Math.Max(1, (int)limit.TotalMilliseconds);
        return ExecuteAsync($"SET LOCAL idle_in_transaction_session_timeout = {milliseconds}", cancellationToken);
    }

    async Task LockAsync(TableName table, TimeSpan timeout, CancellationToken cancellationToken)
    {
        await ExecuteAsync($"SET LOCAL lock_timeout = {(int)timeout.TotalMilliseconds}", cancellationToken);
        await ExecuteAsync($"LOCK TABLE {table.Quoted} IN EXCLUSIVE MODE", cancellationToken);
    }

    async Task LockGateAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        await LockAsync(database.Guard.Gate, timeout, cancellationToken);
        await database.Guard.AwaitUnseenAsync(connection, timeout, cancellationToken);
    }

    Task ExecuteAsync(string statement, CancellationToken cancellationToken) =>
        connection.ExecuteAsync(statement, cancellationToken);

    async Task BeatAsync()
    {
        try
        {
            while (true)
            {
                await Task.Delay(Heartbeat, database.Clock, ending.Token);
                if (!await StandsAsync())
                    return;
            }
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested) { }
    }

    async Task StopBeatingAsync()
    {
        await ending.CancelAsync();
        await beating;
    }
}
