using System.Security.Cryptography;
using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;
using Npgsql;

namespace Migrator.Journal;

/// <summary>
/// The tenant's advisory lock and the connection that holds it, over which the journal is written. A run that has lost
/// the lock has lost the connection, and can write neither the journal nor the flip. Two runs therefore never mix.
/// </summary>
/// <remarks>https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS</remarks>
public sealed class TenantLock : IAsyncDisposable
{
    /// <summary>
    /// First key of our advisory locks, "tepr"; the second key is a hash of the tenant's key.
    /// </summary>
    public const int LockClass = 0x74657072;

    const int Attempts = 8;

    static readonly TimeSpan LockTimeout = TimeSpan.FromSeconds(5);
    static readonly TimeSpan UnlockTimeout = TimeSpan.FromSeconds(1);
    static readonly TimeSpan LockInterval = TimeSpan.FromMilliseconds(100);
    static readonly TimeSpan LeftoverInterval = TimeSpan.FromMilliseconds(50);
    static readonly TimeSpan HeartbeatInterval = TimeSpan.FromSeconds(1);

    readonly NpgsqlConnection connection;
    readonly TimeProvider clock;
    readonly SemaphoreSlim turn = new(1, 1);
    readonly CancellationTokenSource lost = new();
    readonly CancellationTokenSource closing = new();
    readonly Task heartbeat;

    TenantLock(NpgsqlConnection connection, TimeProvider clock)
    {
        this.connection = connection;
        this.clock = clock;
        heartbeat = HeartbeatAsync();
    }

    /// <summary>Cancelled when the connection, and with it the lock, is gone.</summary>
    public CancellationToken Lost => lost.Token;

    /// <summary>
    /// Acquires the tenant's lock. A run that was just killed may hold the lock for a moment, so this waits a
    /// few seconds.
    /// </summary>
    /// <exception cref="MigratorException"><see cref="ExitCode.Busy"/> when another run holds the tenant.</exception>
    public static async Task<TenantLock> AcquireAsync(
        Databases databases,
        string tenantKey,
        TimeProvider clock,
        CancellationToken cancellationToken
    )
    {
        var connection = Databases.Attended(databases.SharedServer);
        try
        {
            await connection.OpenAsync(cancellationToken);
            await WriteAccess.RequireAsync(connection, cancellationToken);
            await WaitAsync(connection, databases.Slug, tenantKey, clock, cancellationToken);
            await EndLeftoverWritesAsync(connection, databases, clock, cancellationToken);
            return new(connection, clock);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    static async Task WaitAsync(
        NpgsqlConnection connection,
        Slug slug,
        string tenantKey,
        TimeProvider clock,
        CancellationToken cancellationToken
    )
    {
        var began = clock.GetTimestamp();
        while (!await TryAsync(connection, tenantKey, cancellationToken))
        {
            if (clock.GetElapsedTime(began) > LockTimeout)
                throw PromotionMessages.Busy(
                    slug,
                    (await ActiveRun.FindAsync(connection, tenantKey, cancellationToken, strangers: true))?.ToString()
                );
            await Task.Delay(LockInterval, clock, cancellationToken);
        }
    }

    // Any login may take any advisory lock. So a run takes another one of the tenant's where a stranger holds the first, and
    // which one nobody can tell before. Two runs may then hold two locks: whoever sees another run's session steps back.
    static async Task<bool> TryAsync(NpgsqlConnection connection, string tenantKey, CancellationToken cancellationToken)
    {
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var other = attempt == 0 ? 0 : RandomNumberGenerator.GetInt32(1, ActiveRun.Locks);
            var parameters = new { first = LockClass + other, tenantKey };
            var taken = await connection.ExecuteScalarAsync<bool>(
                "SELECT pg_try_advisory_lock(@first, hashtext(@tenantKey))",
                parameters,
                cancellationToken
            );
            var isFree = await ActiveRun.FindAsync(connection, tenantKey, cancellationToken) is null;
            if (taken && isFree)
                return true;
            if (taken)
                await connection.ExecuteAsync(
                    "SELECT pg_advisory_unlock(@first, hashtext(@tenantKey))",
                    parameters,
                    cancellationToken
                );
            if (!isFree)
                return false;
        }
        return false;
    }

    // A suspended run without its lock must never commit its open writes, so its writing sessions end here, and so do those
    // that keep a guard closed. Sessions that only read may continue.
    static async Task EndLeftoverWritesAsync(
        NpgsqlConnection connection,
        Databases databases,
        TimeProvider clock,
        CancellationToken cancellationToken
    )
    {
        while (
            await connection.ExecuteScalarAsync<long>(
                """
                SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity a
                WHERE application_name = @ApplicationName AND usename = current_user AND datname = current_database()
                  AND pid <> pg_backend_pid() AND (backend_xid IS NOT NULL OR EXISTS (
                      SELECT FROM pg_locks l
                      WHERE l.pid = a.pid AND l.locktype = 'relation' AND l.mode = 'ExclusiveLock'))
                """,
                new { databases.ApplicationName },
                cancellationToken
            ) > 0
        )
            await Task.Delay(LeftoverInterval, clock, cancellationToken);
    }

    /// <summary>Runs statements in one transaction on the connection that holds the lock.</summary>
    public Task<T> TransactAsync<T>(Func<JournalTransaction, Task<T>> work, CancellationToken cancellationToken) =>
        InTurnAsync(
            async connection =>
            {
                await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
                var result = await work(new(connection, cancellationToken));
                await transaction.CommitAsync(cancellationToken);
                return result;
            },
            cancellationToken
        );

    public Task TransactAsync(Func<JournalTransaction, Task> work, CancellationToken cancellationToken) =>
        TransactAsync(
            async transaction =>
            {
                await work(transaction);
                return 0;
            },
            cancellationToken
        );

    public async ValueTask DisposeAsync()
    {
        await closing.CancelAsync();
        await heartbeat;
        await UnlockAsync();
        await connection.DisposeAsync();
        lost.Dispose();
        closing.Dispose();
        turn.Dispose();
    }

    // The end of the session releases the lock too, but not at once: until then another terminal would see this run.
    async Task UnlockAsync()
    {
        using var limit = new CancellationTokenSource(UnlockTimeout);
        try
        {
            if (connection.State == System.Data.ConnectionState.Open)
                await connection.ExecuteAsync("SELECT pg_advisory_unlock_all()", limit.Token);
        }
        catch (Exception e) when (e is NpgsqlException or OperationCanceledException or InvalidOperationException) { }
    }

    /// <summary>
    /// Works with the connection, one caller at a time, and only with the one that took the lock: Dapper would reopen
    /// a closed connection, without the lock.
    /// </summary>
    public async Task<T> InTurnAsync<T>(Func<NpgsqlConnection, Task<T>> work, CancellationToken cancellationToken)
    {
        await turn.WaitAsync(cancellationToken);
        try
        {
            if (connection.State != System.Data.ConnectionState.Open)
                throw ServerMessages.Lost("the connection is closed");
            return await work(connection);
        }
        finally
        {
            if (connection.State != System.Data.ConnectionState.Open)
                await lost.CancelAsync();
            turn.Release();
        }
    }

    async Task HeartbeatAsync()
    {
        try
        {
            while (true)
            {
                await Task.Delay(HeartbeatInterval, clock, closing.Token);
                await InTurnAsync(connection => connection.ExecuteAsync("SELECT 1", closing.Token), closing.Token);
            }
        }
        catch (OperationCanceledException) when (closing.IsCancellationRequested) { }
        catch (Exception e) when (e is NpgsqlException or MigratorException)
        {
            await lost.CancelAsync();
        }
    }
}
