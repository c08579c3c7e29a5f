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
    static readonly TimeSpan Timeout = TimeSpan.FromSeconds(1);

    /// <summary>Does the work in one transaction, again and again until it gets its locks.</summary>
    /// <param name="table">The table to name when it never does.</param>
    /// <exception cref="MigratorException">Another session holds a table for too long.</exception>
    public static async Task<T> RunAsync<T>(
        NpgsqlConnection connection,
        TableName table,
        Func<CancellationToken, Task<T>> work,
        TimeProvider clock,
        CancellationToken cancellationToken
    )
    {
        try
        {
            return await Retry(clock)
                .ExecuteAsync(
                    async token =>
                    {
                        await using var transaction = await connection.BeginTransactionAsync(token);
                        await connection.ExecuteAsync(
                            $"SET LOCAL lock_timeout = {(int)Timeout.TotalMilliseconds}",
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
            throw ServerMessages.TableLocked(
                table,
                await LockHolders.OfTableAsync(connection, table, cancellationToken),
                e
            );
        }
    }

    /// <summary>The lock was not granted in time, or would have been a deadlock.</summary>
    public static bool IsRefused(PostgresException e) =>
        e.SqlState is PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected;

    static ResiliencePipeline Retry(TimeProvider clock) =>
        new ResiliencePipelineBuilder { TimeProvider = clock }
            .AddRetry(
                new RetryStrategyOptions
                {
                    ShouldHandle = new PredicateBuilder().Handle<PostgresException>(IsRefused),
                    BackoffType = DelayBackoffType.Exponential,
                    Delay = TimeSpan.FromMilliseconds(200),
                    MaxDelay = TimeSpan.FromSeconds(5),
                    MaxRetryAttempts = 12,
                    UseJitter = true,
                }
            )
            .Build();
}
