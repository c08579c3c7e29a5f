using System.Text.Json;
using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;
using Npgsql;

namespace Migrator.Journal;

/// <summary>
/// The row that tells a held promotion to go, and what it has measured meanwhile. Runs write the row on the connection
/// of their lock; <c>cutover</c> writes it from any machine.
/// </summary>
public static class HoldJournal
{
    /// <summary>The channel on which a run that holds is woken.</summary>
    public const string Channel = "tenant_promotion_hold";

    /// <summary>Null for a promotion that does not hold.</summary>
    public static async Task<HoldRecord?> FindAsync(
        NpgsqlConnection connection,
        long promotion,
        CancellationToken cancellationToken
    ) =>
        // A journal of an earlier version has no table of that name.
        await OwnSchema.HasAsync(connection, "hold", cancellationToken)
            ? (
                await connection.QueryFirstOrDefaultAsync<HoldRecord.Row>(
                    """
                    SELECT cutover_at AS "CutoverAt", cutover_window AS "Window", seconds AS "Seconds",
                           expires AS "Expires", since AS "Since", hold_until AS "Until",
                           not_before AS "NotBefore", go_at AS "GoAt", go_by AS "GoBy", failed_at AS "FailedAt",
                           failure AS "Failure", seen_at AS "SeenAt", verified_at AS "VerifiedAt", state::text AS "State"
                    FROM tenant_promotion.hold WHERE promotion_id = @promotion
                    """,
                    new { promotion },
                    cancellationToken
                )
            )?.Record
            : null;

    /// <summary>The promotion will hold, as these options say; what was said before is replaced.</summary>
    public static Task PlanAsync(JournalTransaction transaction, long promotion, HoldOptions options) =>
        transaction.ExecuteAsync(
            """
            INSERT INTO tenant_promotion.hold (promotion_id, cutover_at, cutover_window, seconds, expires)
            VALUES (@promotion, @At, @window, @seconds, @Expires)
            ON CONFLICT (promotion_id) DO UPDATE SET cutover_at = excluded.cutover_at,
                cutover_window = excluded.cutover_window, seconds = excluded.seconds, expires = excluded.expires,
                not_before = NULL,
                hold_until = hold.since + make_interval(secs => excluded.seconds)
            """,
            new
            {
                promotion,
                At = options.At?.UtcDateTime,
                window = options.Window?.Text,
                seconds = options.For?.TotalSeconds,
                options.Expires,
            }
        );

    /// <summary>The promotion holds from now on, or still.</summary>
    public static Task ReachedAsync(JournalTransaction transaction, long promotion) =>
        transaction.ExecuteAsync(
            """
            UPDATE tenant_promotion.hold
            SET since = coalesce(since, clock_timestamp()), seen_at = clock_timestamp(), verified_at = clock_timestamp(),
                hold_until = coalesce(hold_until, clock_timestamp() + make_interval(secs => seconds))
            WHERE promotion_id = @promotion
            """,
            new { promotion }
        );

    /// <param name="verified">The touched rows have just been compared.</param>
    public static Task NoteAsync(JournalTransaction transaction, long promotion, HoldState state, bool verified) =>
        transaction.ExecuteAsync(
            """
            UPDATE tenant_promotion.hold
            SET seen_at = clock_timestamp(), state = CAST(@state AS jsonb),
                verified_at = CASE WHEN @verified THEN clock_timestamp() ELSE verified_at END
            WHERE promotion_id = @promotion
            """,
            new
            {
                promotion,
                verified,
                state = JsonSerializer.Serialize(state),
            }
        );

    /// <summary>Lets the promotion go, once.</summary>
    /// <returns>False where it was let go before.</returns>
    public static async Task<bool> LetGoAsync(
        NpgsqlConnection connection,
        long promotion,
        string by,
        CancellationToken cancellationToken
    )
    {
        var rows = await connection.ExecuteAsync(
            """
            UPDATE tenant_promotion.hold SET go_at = clock_timestamp(), go_by = @by
            WHERE promotion_id = @promotion AND go_at IS NULL
            """,
            new { promotion, by },
            cancellationToken
        );
        await connection.ExecuteAsync($"NOTIFY {Channel}", cancellationToken);
        return rows == 1;
    }

    /// <summary>Takes a cutover back that was asked for, or is about to begin at its time.</summary>
    /// <param name="notBefore">The end of the window that is open.</param>
    /// <returns>False when the tenant has moved.</returns>
    public static async Task<bool> TakeBackAsync(
        NpgsqlConnection connection,
        PromotionRecord promotion,
        DateTimeOffset? notBefore,
        CancellationToken cancellationToken
    )
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        // The flip locks the row as well. Only a statement that begins afterwards sees what the flip has committed.
        await connection.ExecuteAsync(
            "SELECT FROM tenant_promotion.hold WHERE promotion_id = @Id FOR UPDATE",
            new { promotion.Id },
            cancellationToken
        );
        var rows = await connection.ExecuteAsync(
            """
            UPDATE tenant_promotion.hold SET go_at = NULL, go_by = NULL, cutover_at = NULL, not_before = @notBefore
            WHERE promotion_id = @Id
              AND NOT EXISTS (SELECT FROM tenant_promotion.guard WHERE tenant_key = @TenantKey AND state = 'moved')
            """,
            new
            {
                promotion.Id,
                promotion.TenantKey,
                notBefore = notBefore?.UtcDateTime,
            },
            cancellationToken
        );
        await transaction.CommitAsync(cancellationToken);
        return rows == 1;
    }

    /// <summary>
    /// To be called in the transaction that flips: until that has committed, a cutover can be taken back.
    /// </summary>
    /// <exception cref="MigratorException">It was taken back.</exception>
    public static async Task RequireLetGoAsync(JournalTransaction transaction, PromotionRecord promotion)
    {
        const string look = """
            WITH held AS (SELECT go_at FROM tenant_promotion.hold WHERE promotion_id = @Id FOR UPDATE)
            SELECT coalesce((SELECT go_at IS NOT NULL FROM held), true)
            """;
        if (!await transaction.ScalarAsync<bool>(look, new { promotion.Id }))
            throw HoldMessages.TakenBack(promotion.TenantSlug);
    }

    /// <summary>The promotion holds again; an attempt at the cutover did not succeed.</summary>
    /// <param name="failure">Why; null where nothing was tried.</param>
    public static Task HoldAgainAsync(
        JournalTransaction transaction,
        long promotion,
        string? failure,
        DateTimeOffset? notBefore
    ) =>
        transaction.ExecuteAsync(
            """
            UPDATE tenant_promotion.hold
            SET go_at = NULL, go_by = NULL, failure = coalesce(@failure, failure),
                failed_at = CASE WHEN @failure IS NULL THEN failed_at ELSE clock_timestamp() END,
                not_before = greatest(not_before, @notBefore)
            WHERE promotion_id = @promotion
            """,
            new
            {
                promotion,
                failure,
                notBefore = notBefore?.UtcDateTime,
            }
        );

    /// <summary>The rows are copied again: the promotion has yet to come to its hold.</summary>
    public static Task RestartAsync(JournalTransaction transaction, long promotion) =>
        transaction.ExecuteAsync(
            """
            UPDATE tenant_promotion.hold
            SET since = NULL, hold_until = NULL, go_at = NULL, go_by = NULL, verified_at = NULL, state = '{}'
            WHERE promotion_id = @promotion
            """,
            new { promotion }
        );

    /// <summary>The promotion holds no longer.</summary>
    public static Task EndAsync(JournalTransaction transaction, long promotion) =>
        transaction.ExecuteAsync(
            "DELETE FROM tenant_promotion.hold WHERE promotion_id = @promotion",
            new { promotion }
        );
}
