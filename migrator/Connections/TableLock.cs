using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Terminal;
using Npgsql;
using Polly;
using Polly.Retry;

namespace Migrator.Connections;

/// <summary>Work on tables that others write to. Whatever queues for a table's lock, every writer queues behind it: short tries, and room in between.</summary>
public static class TableLock
{
    static readonly TimeSpan Timeout = TimeSpan.FromSeconds(1);

    static readonly ResiliencePipeline Retry = new ResiliencePipelineBuilder()
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

    /// <summary>Does the work in one transaction, again and again until it gets its locks.</summary>
    /// <param name="table">Whom to name when it never does.</param>
    /// <exception cref="Failure">Somebody holds a table for too long.</exception>
    public static async Task<T> RunAsync<T>(
        NpgsqlConnection connection,
        TableName table,
        Func<CancellationToken, Task<T>> work,
        CancellationToken cancellationToken
    )
    {
        try
        {
            return await Retry.ExecuteAsync(
                async token =>
                {
                    await using var transaction = await connection.BeginTransactionAsync(token);
                    await connection.ExecuteAsync($"SET LOCAL lock_timeout = {(int)Timeout.TotalMilliseconds}", token);
                    var result = await work(token);
                    await transaction.CommitAsync(token);
                    return result;
                },
                cancellationToken
            );
        }
        catch (PostgresException e) when (IsRefused(e))
        {
            throw ServerMessages.TableLocked(table, e);
        }
    }

    /// <summary>The lock was not to be had in time, or only against others who wait for us.</summary>
    public static bool IsRefused(PostgresException e) =>
        e.SqlState is PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected;
}
