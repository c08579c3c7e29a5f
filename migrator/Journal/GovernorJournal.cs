using Migrator.Connections;
using Npgsql;

namespace Migrator.Journal;

/// <summary>
/// The limits of the process that is at work: as it was started, or as another terminal has changed them since.
/// </summary>
/// <param name="ChangedBy">Null as long as nobody has changed anything.</param>
/// <param name="MaxReplicaLag">Null for the mode's default.</param>
public sealed record GovernorOrder(
    DateTime ChangedAt,
    string? ChangedBy,
    bool Paused,
    long MaxRate,
    long? MaxReplicaLag,
    int MaxActiveSessions
);

/// <summary>The row through which <c>pause</c>, <c>resume</c> and <c>tune</c> reach the run that is at work.</summary>
public static class GovernorJournal
{
    /// <summary>Null for a promotion whose run has not begun, or was one of an earlier version.</summary>
    public static async Task<GovernorOrder?> FindAsync(
        NpgsqlConnection connection,
        long promotion,
        CancellationToken cancellationToken
    ) =>
        // A journal of an earlier version has no table of that name.
        await OwnSchema.HasAsync(connection, "governor", cancellationToken)
            ? await OfRunAsync(connection, promotion, cancellationToken)
            : null;

    /// <summary>The same for the run itself, which has made the table.</summary>
    public static Task<GovernorOrder?> OfRunAsync(
        NpgsqlConnection connection,
        long promotion,
        CancellationToken cancellationToken
    ) =>
        connection.QueryFirstOrDefaultAsync<GovernorOrder>(
            """
            SELECT changed_at AS "ChangedAt", changed_by AS "ChangedBy", paused AS "Paused", max_rate AS "MaxRate",
                   max_replica_lag AS "MaxReplicaLag", max_active_sessions AS "MaxActiveSessions"
            FROM tenant_promotion.governor WHERE promotion_id = @promotion
            """,
            new { promotion },
            cancellationToken
        );

    /// <summary>A process begins, with limits of its own: what was said to an earlier one is no longer meant.</summary>
    public static Task BeginAsync(
        JournalTransaction transaction,
        long promotion,
        (long MaxRate, long? MaxReplicaLag, int MaxActiveSessions) limits
    ) =>
        transaction.ExecuteAsync(
            """
            DELETE FROM tenant_promotion.governor WHERE promotion_id = @promotion;
            INSERT INTO tenant_promotion.governor
            SELECT @promotion, now, NULL, false, @MaxRate, @MaxReplicaLag, @MaxActiveSessions, now
            FROM clock_timestamp() now
            """,
            new
            {
                promotion,
                limits.MaxRate,
                limits.MaxReplicaLag,
                limits.MaxActiveSessions,
            }
        );

    /// <summary>Changes what is not null, and leaves the rest.</summary>
    /// <returns>When that was said; null if no run has begun.</returns>
    public static Task<DateTime?> ChangeAsync(
        NpgsqlConnection connection,
        long promotion,
        string by,
        bool? paused,
        (long? MaxRate, long? MaxReplicaLag, int? MaxActiveSessions) limits,
        CancellationToken cancellationToken
    ) =>
        connection.ExecuteScalarAsync<DateTime?>(
            """
            UPDATE tenant_promotion.governor
            SET changed_at = clock_timestamp(), changed_by = @by, paused = coalesce(@paused, paused),
                max_rate = coalesce(@MaxRate, max_rate),
                max_replica_lag = coalesce(@MaxReplicaLag, max_replica_lag),
                max_active_sessions = coalesce(@MaxActiveSessions, max_active_sessions)
            WHERE promotion_id = @promotion
            RETURNING changed_at
            """,
            new
            {
                promotion,
                by,
                paused,
                limits.MaxRate,
                limits.MaxReplicaLag,
                limits.MaxActiveSessions,
            },
            cancellationToken
        );

    /// <summary>The run obeys what was said at that moment.</summary>
    public static Task ObeyAsync(
        NpgsqlConnection connection,
        long promotion,
        DateTime said,
        CancellationToken cancellationToken
    ) =>
        connection.ExecuteAsync(
            "UPDATE tenant_promotion.governor SET obeyed = @said WHERE promotion_id = @promotion",
            new { promotion, said },
            cancellationToken
        );

    /// <summary>Whether a run obeys what was said at that moment, or later.</summary>
    public static Task<bool> IsObeyedAsync(
        NpgsqlConnection connection,
        long promotion,
        DateTime said,
        CancellationToken cancellationToken
    ) =>
        connection.ExecuteScalarAsync<bool>(
            """
            SELECT EXISTS (SELECT FROM tenant_promotion.governor WHERE promotion_id = @promotion AND obeyed >= @said)
            """,
            new { promotion, said },
            cancellationToken
        );
}
