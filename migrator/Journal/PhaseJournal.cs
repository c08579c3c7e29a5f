using System.Text.Json;
using Migrator.Connections;
using Migrator.Model;
using Npgsql;

namespace Migrator.Journal;

/// <summary>Records the phases of a promotion: started, ended, with which facts, or to be run again.</summary>
public sealed class PhaseJournal(TenantLock tenantLock)
{
    public Task StartAsync(long promotion, string phase, string state, CancellationToken cancellationToken) =>
        tenantLock.TransactAsync(
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
                await PromotionJournal.SetStateAsync(transaction, promotion, state);
            },
            cancellationToken
        );

    public Task EndAsync(long promotion, string phase, object? facts, CancellationToken cancellationToken) =>
        tenantLock.TransactAsync(transaction => EndAsync(transaction, promotion, phase, facts), cancellationToken);

    /// <summary>Marks a phase as done in the transaction that does the phase's work.</summary>
    public static Task EndAsync(JournalTransaction transaction, long promotion, string phase, object? facts) =>
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
        tenantLock.TransactAsync(
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
    public Task ReopenAsync(long promotion, string phase, CancellationToken cancellationToken) =>
        tenantLock.TransactAsync(
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
    public static Task ForgetAsync(JournalTransaction transaction, long promotion, IReadOnlyList<string> phases) =>
        transaction.ExecuteAsync(
            "DELETE FROM tenant_promotion.phase WHERE promotion_id = @promotion AND name = ANY (@phases)",
            new { promotion, phases = phases.ToArray() }
        );

    public Task ForgetAsync(long promotion, IReadOnlyList<string> phases, CancellationToken cancellationToken) =>
        tenantLock.TransactAsync(transaction => ForgetAsync(transaction, promotion, phases), cancellationToken);
}
