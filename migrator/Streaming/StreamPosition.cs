using Migrator.Connections;
using Npgsql;
using NpgsqlTypes;

namespace Migrator.Streaming;

/// <summary>
/// The position up to which a promotion's stream has been applied. The target keeps the position and commits it with
/// the rows: that is why no change is lost or applied twice, wherever a run breaks off.
/// </summary>
public static class StreamPosition
{
    /// <returns>The beginning when nothing has been applied yet: the slot knows where that is.</returns>
    public static async Task<NpgsqlLogSequenceNumber> ReadAsync(
        NpgsqlConnection target,
        long promotion,
        CancellationToken cancellationToken
    ) =>
        await target.ExecuteScalarAsync<string?>(
            "SELECT lsn::text FROM tenant_promotion.position WHERE promotion_id = @promotion",
            new { promotion },
            cancellationToken
        )
            is { } lsn
            ? NpgsqlLogSequenceNumber.Parse(lsn)
            : default;

    /// <summary>To be called in the transaction that applies, or that begins the stream.</summary>
    public static Task SaveAsync(
        NpgsqlConnection target,
        long promotion,
        NpgsqlLogSequenceNumber position,
        CancellationToken cancellationToken
    ) =>
        target.ExecuteAsync(
            """
            INSERT INTO tenant_promotion.position VALUES (@promotion, CAST(@lsn AS pg_lsn))
            ON CONFLICT (promotion_id) DO UPDATE SET lsn = excluded.lsn
            """,
            new { promotion, lsn = position.ToString() },
            cancellationToken
        );

    /// <summary>A new slot starts at a position of its own.</summary>
    public static Task ForgetAsync(NpgsqlConnection target, CancellationToken cancellationToken) =>
        target.ExecuteAsync("DELETE FROM tenant_promotion.position", cancellationToken);
}
