using System.Text.Json;
using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;
using Npgsql;

namespace Migrator.Journal;

/// <summary>Records the promotion of a tenant whose lock this process holds.</summary>
public sealed class PromotionJournal(TenantLock tenantLock) : IAsyncDisposable
{
    /// <inheritdoc cref="TenantLock.AcquireAsync"/>
    public static async Task<PromotionJournal> LockAsync(
        Databases databases,
        string tenantKey,
        TimeProvider clock,
        CancellationToken cancellationToken
    ) => new(await TenantLock.AcquireAsync(databases, tenantKey, clock, cancellationToken));

    /// <inheritdoc cref="TenantLock.Lost"/>
    public CancellationToken Lost => tenantLock.Lost;

    public PhaseJournal Phases { get; } = new(tenantLock);

    // Two tenants may be promoted for the first time at the same time. Another login that holds the lock is not waited for
    // without end.
    const string OneAtATime = """
        DO $$
        BEGIN
            PERFORM set_config('lock_timeout', '2s', true);
            PERFORM pg_advisory_xact_lock(1952804978, 0);
        EXCEPTION WHEN lock_not_available THEN
            NULL;
        END $$;
        SET LOCAL lock_timeout = 0
        """;

    /// <summary>Creates the journal's tables if they do not exist yet.</summary>
    public Task InstallAsync(CancellationToken cancellationToken) =>
        tenantLock.TransactAsync(
            async transaction =>
            {
                await transaction.ExecuteAsync(OneAtATime);
                await OwnSchema.CreateAsync(transaction.Connection, cancellationToken);
                await transaction.ExecuteAsync(SqlFile.Read("journal.sql"));
                await transaction.ExecuteAsync(SqlFile.Read("guard.sql"));
            },
            cancellationToken
        );

    public Task<PromotionRecord?> CurrentAsync(string tenantKey, CancellationToken cancellationToken) =>
        tenantLock.InTurnAsync(
            connection => JournalReader.FindAsync(connection, tenantKey, cancellationToken),
            cancellationToken
        );

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
        tenantLock.TransactAsync(
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
        tenantLock.TransactAsync(
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

    /// <summary>Reopens a promotion, ended or not, to roll it back; these phases run again.</summary>
    public Task ReopenForRollbackAsync(
        long promotion,
        IReadOnlyList<string> phases,
        CancellationToken cancellationToken
    ) =>
        tenantLock.TransactAsync(
            async transaction =>
            {
                await PhaseJournal.ForgetAsync(transaction, promotion, phases);
                await transaction.ExecuteAsync(
                    "UPDATE tenant_promotion.promotion SET state = @state, ended_at = NULL WHERE id = @promotion",
                    new { promotion, state = PromotionState.RollingBack }
                );
            },
            cancellationToken
        );

    /// <summary>Returns a failed rollback to the isolated state. The error stays for <c>status</c>.</summary>
    public Task ReturnToIsolatedAsync(long promotion, CancellationToken cancellationToken) =>
        tenantLock.TransactAsync(
            transaction =>
                transaction.ExecuteAsync(
                    "UPDATE tenant_promotion.promotion SET state = @state WHERE id = @promotion",
                    new { promotion, state = PromotionState.Isolated }
                ),
            cancellationToken
        );

    public Task ErrorAsync(long promotion, string? error, CancellationToken cancellationToken) =>
        tenantLock.TransactAsync(transaction => SetErrorAsync(transaction, promotion, error), cancellationToken);

    public static Task SetErrorAsync(JournalTransaction transaction, long promotion, string? error) =>
        transaction.ExecuteAsync(
            "UPDATE tenant_promotion.promotion SET error = @error, updated_at = now() WHERE id = @promotion",
            new { promotion, error }
        );

    public static async Task SetStateAsync(JournalTransaction transaction, long promotion, string state) =>
        await transaction.ExecuteAsync(
            """
            UPDATE tenant_promotion.promotion SET state = @state, error = NULL, updated_at = now()
            WHERE id = @promotion
            """,
            new { promotion, state }
        );

    /// <summary>Ends a promotion: it stays as history, without the recorded definitions, which nothing reads any more.</summary>
    public static async Task EndAsync(JournalTransaction transaction, long promotion, string state)
    {
        await transaction.ExecuteAsync(
            "DELETE FROM tenant_promotion.definition WHERE promotion_id = @promotion",
            new { promotion }
        );
        await transaction.ExecuteAsync(
            """
            UPDATE tenant_promotion.promotion
            SET state = @state, error = NULL, updated_at = now(), ended_at = now() WHERE id = @promotion
            """,
            new { promotion, state }
        );
    }

    public Task SaveDigestsAsync(
        long promotion,
        IReadOnlyDictionary<string, RecordedTable> digests,
        CancellationToken cancellationToken
    ) =>
        tenantLock.TransactAsync(
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

    /// <inheritdoc cref="TenantLock.TransactAsync{T}"/>
    public Task TransactAsync(Func<JournalTransaction, Task> work, CancellationToken cancellationToken) =>
        tenantLock.TransactAsync(work, cancellationToken);

    /// <inheritdoc cref="TenantLock.TransactAsync{T}"/>
    public Task<T> TransactAsync<T>(Func<JournalTransaction, Task<T>> work, CancellationToken cancellationToken) =>
        tenantLock.TransactAsync(work, cancellationToken);

    public ValueTask DisposeAsync() => tenantLock.DisposeAsync();
}
