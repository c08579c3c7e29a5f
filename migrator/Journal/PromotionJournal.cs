using System.Text.Json;
using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;
using Npgsql;

namespace Migrator.Journal;

/// <summary>
/// The journal in the shared database, written over one connection that also holds the tenant's advisory lock.
/// A run that has lost the lock has lost the connection, and can write neither the journal nor the flip. Two
/// runs therefore never mix.
/// </summary>
/// <remarks>https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS</remarks>
public sealed class PromotionJournal : IAsyncDisposable
{
    /// <summary>
    /// First key of our advisory locks, "tepr"; the second key is a hash of the tenant's key. guard.sql has the
    /// same number.
    /// </summary>
    public const int LockClass = 0x74657072;

    static readonly TimeSpan LockTimeout = TimeSpan.FromSeconds(5);
    static readonly TimeSpan LockInterval = TimeSpan.FromMilliseconds(100);
    static readonly TimeSpan LeftoverInterval = TimeSpan.FromMilliseconds(50);
    static readonly TimeSpan HeartbeatInterval = TimeSpan.FromSeconds(1);

    readonly NpgsqlConnection connection;
    readonly TimeProvider clock;
    readonly SemaphoreSlim turn = new(1, 1);
    readonly CancellationTokenSource lost = new();
    readonly CancellationTokenSource closing = new();
    readonly Task heartbeat;

    PromotionJournal(NpgsqlConnection connection, TimeProvider clock)
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
    public static async Task<PromotionJournal> LockAsync(
        Databases databases,
        string tenantKey,
        TimeProvider clock,
        CancellationToken cancellationToken
    )
    {
        var connection = new NpgsqlConnection(
            new NpgsqlConnectionStringBuilder(databases.SharedServer.ConnectionString)
            {
                Pooling = false,
            }.ConnectionString
        );
        try
        {
            await connection.OpenAsync(cancellationToken);
            await WriteAccess.RequireAsync(connection, cancellationToken);
            var began = clock.GetTimestamp();
            while (
                !await connection.ExecuteScalarAsync<bool>(
                    "SELECT pg_try_advisory_lock(@LockClass, hashtext(@tenantKey))",
                    new { LockClass, tenantKey },
                    cancellationToken
                )
            )
            {
                if (clock.GetElapsedTime(began) > LockTimeout)
                    throw PromotionMessages.Busy(databases.Slug);
                await Task.Delay(LockInterval, clock, cancellationToken);
            }
            await EndLeftoverWritesAsync(connection, databases, clock, cancellationToken);
            return new(connection, clock);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    // A suspended run without its lock must never commit its open writes, so its writing sessions end here.
    // Sessions that only read may continue.
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
                SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                WHERE application_name = @ApplicationName AND datname = current_database()
                  AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()
                """,
                new { databases.ApplicationName },
                cancellationToken
            ) > 0
        )
            await Task.Delay(LeftoverInterval, clock, cancellationToken);
    }

    /// <summary>Creates the journal's tables if they do not exist yet.</summary>
    public Task InstallAsync(CancellationToken cancellationToken) =>
        TransactAsync(
            async transaction =>
            {
                // Two tenants may be promoted for the first time at the same time.
                await transaction.ExecuteAsync("SELECT pg_advisory_xact_lock(@LockClass, 0)", new { LockClass });
                await transaction.ExecuteAsync(SqlFile.Read("journal.sql"));
                await transaction.ExecuteAsync(SqlFile.Read("guard.sql"));
            },
            cancellationToken
        );

    public Task<PromotionRecord?> CurrentAsync(string tenantKey, CancellationToken cancellationToken) =>
        InTurnAsync(() => JournalReader.FindAsync(connection, tenantKey, cancellationToken), cancellationToken);

    /// <summary>Begins a promotion with its first phase done, in one commit: a reader sees both or neither.</summary>
    public Task BeginAsync(
        Tenant tenant,
        string mode,
        Target target,
        string phase,
        object facts,
        TimeSpan took,
        CancellationToken cancellationToken
    ) =>
        TransactAsync(
            transaction =>
                transaction.ExecuteAsync(
                    """
                    WITH begun AS (
                        INSERT INTO tenant_promotion.promotion (tenant_key, tenant_slug, mode, state, target)
                        VALUES (@Key, @Slug, @mode, @state, CAST(@target AS jsonb)) RETURNING id)
                    INSERT INTO tenant_promotion.phase (promotion_id, name, started_at, ended_at, facts)
                    SELECT id, @phase, clock_timestamp() - @took, clock_timestamp(), CAST(@facts AS jsonb) FROM begun
                    """,
                    new
                    {
                        tenant.Key,
                        Slug = tenant.Slug.Text,
                        mode,
                        state = PromotionState.Preparing,
                        target = JsonSerializer.Serialize(target),
                        phase,
                        took,
                        facts = JsonSerializer.Serialize(facts),
                    }
                ),
            cancellationToken
        );

    /// <summary>
    /// Assigns the next run number: from here on, open transactions of earlier runs cannot commit in the
    /// isolated database.
    /// </summary>
    public Task<long> NextRunAsync(long promotion, CancellationToken cancellationToken) =>
        TransactAsync(
            transaction =>
                transaction.ScalarAsync<long>(
                    """
                    UPDATE tenant_promotion.promotion SET run = run + 1, updated_at = now()
                    WHERE id = @promotion RETURNING run
                    """,
                    new { promotion }
                ),
            cancellationToken
        );

    /// <summary>
    /// Must be called in every transaction that writes outside the journal's connection: no newer run can begin
    /// before the commit.
    /// </summary>
    /// <exception cref="MigratorException">A newer run has taken over.</exception>
    public static async Task RequireCurrentRunAsync(
        NpgsqlConnection connection,
        Slug slug,
        long promotion,
        long run,
        CancellationToken cancellationToken
    )
    {
        var current = await connection.ExecuteScalarAsync<long>(
            "SELECT run FROM tenant_promotion.promotion WHERE id = @promotion FOR SHARE",
            new { promotion },
            cancellationToken
        );
        if (current != run)
            throw PromotionMessages.Superseded(slug);
    }

    public Task PhaseStartedAsync(long promotion, string phase, string state, CancellationToken cancellationToken) =>
        TransactAsync(
            async transaction =>
            {
                await transaction.ExecuteAsync(
                    """
                    INSERT INTO tenant_promotion.phase (promotion_id, name, started_at)
                    VALUES (@promotion, @phase, clock_timestamp())
                    ON CONFLICT (promotion_id, name) DO UPDATE SET started_at = clock_timestamp(), ended_at = NULL
                    """,
                    new { promotion, phase }
                );
                await SetStateAsync(transaction, promotion, state);
            },
            cancellationToken
        );

    public Task PhaseEndedAsync(long promotion, string phase, object? facts, CancellationToken cancellationToken) =>
        TransactAsync(transaction => EndPhaseAsync(transaction, promotion, phase, facts), cancellationToken);

    /// <summary>Marks a phase as done in the transaction that does the phase's work.</summary>
    public static Task EndPhaseAsync(JournalTransaction transaction, long promotion, string phase, object? facts) =>
        transaction.ExecuteAsync(
            """
            UPDATE tenant_promotion.phase
            SET ended_at = clock_timestamp(), facts = facts || CAST(@facts AS jsonb)
            WHERE promotion_id = @promotion AND name = @phase
            """,
            new
            {
                promotion,
                phase,
                facts = JsonSerializer.Serialize(facts ?? new { }),
            }
        );

    /// <summary>Records facts of a phase that is under way: its plan, so that an undo knows it.</summary>
    public Task NoteAsync(long promotion, string phase, object facts, CancellationToken cancellationToken) =>
        TransactAsync(
            transaction =>
                transaction.ExecuteAsync(
                    """
                    UPDATE tenant_promotion.phase SET facts = facts || CAST(@facts AS jsonb)
                    WHERE promotion_id = @promotion AND name = @phase
                    """,
                    new
                    {
                        promotion,
                        phase,
                        facts = JsonSerializer.Serialize(facts),
                    }
                ),
            cancellationToken
        );

    /// <summary>Adds to the rows that finalize has deleted, in the transaction that deleted them.</summary>
    public static Task CountDeletedAsync(
        NpgsqlConnection connection,
        long promotion,
        int rows,
        CancellationToken cancellationToken
    ) =>
        connection.ExecuteAsync(
            """
            UPDATE tenant_promotion.phase SET facts = facts
                || jsonb_build_object('Deleted', coalesce((facts ->> 'Deleted')::bigint, 0) + @rows)
            WHERE promotion_id = @promotion AND name = @phase
            """,
            new
            {
                promotion,
                rows,
                phase = PhaseName.DeleteShared,
            },
            cancellationToken
        );

    /// <summary>Marks a phase as not done, and keeps its facts: the phase's undo has begun.</summary>
    public Task ReopenPhaseAsync(long promotion, string phase, CancellationToken cancellationToken) =>
        TransactAsync(
            transaction =>
                transaction.ExecuteAsync(
                    """
                    UPDATE tenant_promotion.phase SET ended_at = NULL
                    WHERE promotion_id = @promotion AND name = @phase
                    """,
                    new { promotion, phase }
                ),
            cancellationToken
        );

    /// <summary>Marks these phases as not done; they run again.</summary>
    public static Task ForgetPhasesAsync(
        JournalTransaction transaction,
        long promotion,
        IReadOnlyList<string> phases
    ) =>
        transaction.ExecuteAsync(
            "DELETE FROM tenant_promotion.phase WHERE promotion_id = @promotion AND name = ANY (@phases)",
            new { promotion, phases = phases.ToArray() }
        );

    public Task ForgetPhasesAsync(long promotion, IReadOnlyList<string> phases, CancellationToken cancellationToken) =>
        TransactAsync(transaction => ForgetPhasesAsync(transaction, promotion, phases), cancellationToken);

    /// <summary>Reopens a promotion, ended or not, to roll it back; these phases run again.</summary>
    public Task ReopenForRollbackAsync(
        long promotion,
        IReadOnlyList<string> phases,
        CancellationToken cancellationToken
    ) =>
        TransactAsync(
            async transaction =>
            {
                await ForgetPhasesAsync(transaction, promotion, phases);
                await transaction.ExecuteAsync(
                    "UPDATE tenant_promotion.promotion SET state = @state, ended_at = NULL WHERE id = @promotion",
                    new { promotion, state = PromotionState.RollingBack }
                );
            },
            cancellationToken
        );

    /// <summary>Returns a failed rollback to the isolated state. The error stays for <c>status</c>.</summary>
    public Task ReturnToIsolatedAsync(long promotion, CancellationToken cancellationToken) =>
        TransactAsync(
            transaction =>
                transaction.ExecuteAsync(
                    "UPDATE tenant_promotion.promotion SET state = @state WHERE id = @promotion",
                    new { promotion, state = PromotionState.Isolated }
                ),
            cancellationToken
        );

    public Task ErrorAsync(long promotion, string? error, CancellationToken cancellationToken) =>
        TransactAsync(
            transaction =>
                transaction.ExecuteAsync(
                    "UPDATE tenant_promotion.promotion SET error = @error, updated_at = now() WHERE id = @promotion",
                    new { promotion, error }
                ),
            cancellationToken
        );

    public static async Task SetStateAsync(JournalTransaction transaction, long promotion, string state) =>
        await transaction.ExecuteAsync(
            """
            UPDATE tenant_promotion.promotion SET state = @state, error = NULL, updated_at = now()
            WHERE id = @promotion
            """,
            new { promotion, state }
        );

    public Task EndAsync(long promotion, string state, CancellationToken cancellationToken) =>
        TransactAsync(
            transaction =>
                transaction.ExecuteAsync(
                    """
                    UPDATE tenant_promotion.promotion
                    SET state = @state, error = NULL, updated_at = now(), ended_at = now() WHERE id = @promotion
                    """,
                    new { promotion, state }
                ),
            cancellationToken
        );

    public Task SaveDigestsAsync(
        long promotion,
        IReadOnlyDictionary<string, RecordedTable> digests,
        CancellationToken cancellationToken
    ) =>
        TransactAsync(
            async transaction =>
            {
                await transaction.ExecuteAsync(
                    "DELETE FROM tenant_promotion.digest WHERE promotion_id = @promotion",
                    new { promotion }
                );
                foreach (var (table, recorded) in digests)
                    await transaction.ExecuteAsync(
                        """
                        INSERT INTO tenant_promotion.digest
                        VALUES (@promotion, @table, @Rows, CAST(@Sum AS numeric), CAST(@detail AS jsonb))
                        """,
                        new
                        {
                            promotion,
                            table,
                            recorded.Digest.Rows,
                            recorded.Digest.Sum,
                            detail = recorded.Detail is { } detail ? JsonSerializer.Serialize(detail) : null,
                        }
                    );
            },
            cancellationToken
        );

    /// <summary>Runs statements in one transaction on the connection that holds the lock.</summary>
    public Task<T> TransactAsync<T>(Func<JournalTransaction, Task<T>> work, CancellationToken cancellationToken) =>
        InTurnAsync(
            async () =>
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
        await connection.DisposeAsync();
        lost.Dispose();
        closing.Dispose();
        turn.Dispose();
    }

    // One statement at a time, and only over the connection that took the lock: Dapper would reopen a closed
    // connection, without the lock.
    async Task<T> InTurnAsync<T>(Func<Task<T>> work, CancellationToken cancellationToken)
    {
        await turn.WaitAsync(cancellationToken);
        try
        {
            if (connection.State != System.Data.ConnectionState.Open)
                throw ServerMessages.Lost("the connection is closed");
            return await work();
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
                await InTurnAsync(() => connection.ExecuteAsync("SELECT 1", closing.Token), closing.Token);
            }
        }
        catch (OperationCanceledException) when (closing.IsCancellationRequested) { }
        catch (Exception e) when (e is NpgsqlException or MigratorException)
        {
            await lost.CancelAsync();
        }
    }
}
