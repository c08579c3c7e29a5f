using Migrator.Messages;
using Migrator.Model;
using Npgsql;
using Polly;
using Polly.Retry;

namespace Migrator.Connections;

/// <summary>
/// Work on tables that others write to. Every writer queues behind a session that waits for a table's lock: so the
/// tries are short, with time in between.
/// </summary>
public static class TableLock
{
    const int Tries = 20;

    // On a table that many write all the time, a short try may never meet a moment without a writer.
    const int ShortTries = 10;

    static readonly TimeSpan Long = TimeSpan.FromSeconds(1);
    static readonly TimeSpan Short = TimeSpan.FromMilliseconds(100);

    // PostgreSQL ends an autovacuum that is in the way of somebody who has waited for deadlock_timeout, a second by default.
    static readonly TimeSpan BesideAutovacuum = TimeSpan.FromSeconds(5);

    /// <summary>Does the work in one transaction, again and again until it gets its locks.</summary>
    /// <param name="table">The table to name when it never does.</param>
    /// <exception cref="MigratorException">Another session holds a table for too long.</exception>
    public static Task<T> RunAsync<T>(
        NpgsqlConnection connection,
        TableName table,
        Func<CancellationToken, Task<T>> work,
        TimeProvider clock,
        CancellationToken cancellationToken
    ) =>
        RunAsync(
            connection,
            work,
            token => EndAutovacuumAsync(connection, table, token),
            async e =>
                ServerMessages.TableLocked(
                    table,
                    await LockHolders.OfTableAsync(connection, table, cancellationToken),
                    e
                ),
            clock,
            cancellationToken
        );

    /// <summary>The same for work on objects of a whole database.</summary>
    /// <exception cref="MigratorException">Other sessions hold an object for too long.</exception>
    public static Task<T> RunOnDatabaseAsync<T>(
        NpgsqlConnection connection,
        Func<CancellationToken, Task<T>> work,
        TimeProvider clock,
        CancellationToken cancellationToken
    ) =>
        RunAsync(
            connection,
            work,
            _ => Task.CompletedTask,
            async e =>
                ServerMessages.DatabaseLocked(
                    connection.Database,
                    await LockHolders.OfDatabaseAsync(connection, cancellationToken),
                    e
                ),
            clock,
            cancellationToken
        );

    static async Task<T> RunAsync<T>(
        NpgsqlConnection connection,
        Func<CancellationToken, Task<T>> work,
        Func<CancellationToken, Task> clear,
        Func<PostgresException, Task<MigratorException>> failure,
        TimeProvider clock,
        CancellationToken cancellationToken
    )
    {
        var (timeout, refusals) = (Short, 0);
        try
        {
            return await Retry(
                    clock,
                    async token =>
                    {
                        timeout = ++refusals >= ShortTries ? Long : Short;
                        await clear(token);
                    }
                )
                .ExecuteAsync(
                    async token =>
                    {
                        await using var transaction = await connection.BeginTransactionAsync(token);
                        await connection.ExecuteAsync(
                            $"SET LOCAL lock_timeout = {(int)timeout.TotalMilliseconds}",
                            token
                        );
                        var result = await work(token);
                        await transaction.CommitAsync(token);
                        return result;
                    },
                    cancellationToken
                );
        }
        catch (PostgresException e) when (IsRefused(e))
        {
            throw await failure(e);
        }
    }

    // No writer queues behind this lock, unlike behind the one that was refused, and an autovacuum holds the same. It need
    // not be kept: an autovacuum that was ended comes again in its next round.
    static async Task EndAutovacuumAsync(
        NpgsqlConnection connection,
        TableName table,
        CancellationToken cancellationToken
    )
    {
        if (!await LockHolders.HasAutovacuumAsync(connection, table, cancellationToken))
            return;
        try
        {
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            await connection.ExecuteAsync(
                $"""
                SET LOCAL lock_timeout = {(int)BesideAutovacuum.TotalMilliseconds};
                LOCK TABLE {table.Quoted} IN SHARE UPDATE EXCLUSIVE MODE
                """,
                cancellationToken
            );
        }
        catch (PostgresException e) when (IsRefused(e))
        {
            // One that protects from the end of the transaction numbers is not ended; the tries go on.
        }
    }

    /// <summary>The lock was not granted in time, or would have been a deadlock.</summary>
    public static bool IsRefused(PostgresException e) =>
        e.SqlState is PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected;

    static ResiliencePipeline Retry(TimeProvider clock, Func<CancellationToken, Task> refused) =>
        new ResiliencePipelineBuilder { TimeProvider = clock }
            .AddRetry(
                new RetryStrategyOptions
                {
                    ShouldHandle = new PredicateBuilder().Handle<PostgresException>(IsRefused),
                    BackoffType = DelayBackoffType.Exponential,
                    Delay = TimeSpan.FromMilliseconds(200),
                    MaxDelay = TimeSpan.FromSeconds(5),
                    MaxRetryAttempts = Tries,
                    UseJitter = true,
                    OnRetry = async retry => await refused(retry.Context.CancellationToken),
                }
            )
            .Build();
}
