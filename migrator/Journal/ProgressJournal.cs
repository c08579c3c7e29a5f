using Migrator.Connections;
using Migrator.Progress;
using Npgsql;

namespace Migrator.Journal;

/// <summary>The rows in which a run says how far it is; nothing depends on them.</summary>
public static class ProgressJournal
{
    /// <summary>The phase as a whole, and then its tables; empty for a promotion that has said nothing.</summary>
    /// <returns>When the run said so, with each.</returns>
    public static async Task<IReadOnlyList<(ProgressState State, DateTime SeenAt)>> FindAsync(
        NpgsqlConnection connection,
        long promotion,
        CancellationToken cancellationToken
    ) =>
        // A journal of an earlier version has no table of that name.
        await OwnSchema.HasAsync(connection, "progress", cancellationToken)
            ?
            [
                .. (
                    await connection.QueryAsync<Row>(
                        """
                        SELECT phase AS "Phase", table_name AS "Table", since AS "Since", unit AS "Unit", done AS "Done",
                               total AS "Total", minute_rate AS "MinuteRate", ten_minute_rate AS "TenMinuteRate",
                               waits_for AS "WaitsFor", seen_at AS "SeenAt"
                        FROM tenant_promotion.progress WHERE promotion_id = @promotion ORDER BY table_name
                        """,
                        new { promotion },
                        cancellationToken
                    )
                ).Select(row => (row.State, row.SeenAt)),
            ]
            : [];

    /// <summary>Writes these rows, unless a newer run has taken over.</summary>
    /// <param name="begins">Rows of an earlier phase are deleted.</param>
    public static Task WriteAsync(
        NpgsqlConnection connection,
        (long Promotion, long Run) who,
        IReadOnlyList<ProgressState> states,
        bool begins,
        CancellationToken cancellationToken
    ) =>
        connection.ExecuteAsync(
            $"""
            {(begins ? "DELETE FROM tenant_promotion.progress WHERE promotion_id = @Promotion;" : "")}
            INSERT INTO tenant_promotion.progress
            SELECT p.id, s.name, @Phase, @Since, clock_timestamp(), @Unit, s.done, s.total, s.minute, s.ten_minutes,
                   CASE WHEN s.name = '' THEN @waitsFor END
            FROM tenant_promotion.promotion p,
                 unnest(@names, @done, @totals, @minutes, @tenMinutes) s (name, done, total, minute, ten_minutes)
            WHERE p.id = @Promotion AND p.run = @Run
            ON CONFLICT (promotion_id, table_name) DO UPDATE SET phase = excluded.phase, since = excluded.since,
                seen_at = excluded.seen_at, unit = excluded.unit, done = excluded.done, total = excluded.total,
                minute_rate = excluded.minute_rate, ten_minute_rate = excluded.ten_minute_rate,
                waits_for = excluded.waits_for
            """,
            new
            {
                who.Promotion,
                who.Run,
                states[0].Phase,
                states[0].Since,
                states[0].Unit,
                waitsFor = states.FirstOrDefault(state => state.Table.Length == 0)?.WaitsFor,
                names = states.Select(state => state.Table).ToArray(),
                done = states.Select(state => state.Done).ToArray(),
                totals = states.Select(state => state.Total).ToArray(),
                minutes = states.Select(state => state.MinuteRate).ToArray(),
                tenMinutes = states.Select(state => state.TenMinuteRate).ToArray(),
            },
            cancellationToken
        );

    sealed record Row(
        string Phase,
        string Table,
        DateTime Since,
        string? Unit,
        long Done,
        long? Total,
        double? MinuteRate,
        double? TenMinuteRate,
        string? WaitsFor,
        DateTime SeenAt
    )
    {
        public ProgressState State => new(Phase, Table, Since, Unit, Done, Total, MinuteRate, TenMinuteRate, WaitsFor);
    }
}
