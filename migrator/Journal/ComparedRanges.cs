using System.Text.Json;
using Migrator.Connections;
using Migrator.Model;
using Npgsql;

namespace Migrator.Journal;

/// <summary>
/// What a verification that is under way has compared, as the isolated database keeps it: a run that goes on after a kill
/// compares the rest.
/// </summary>
public static class ComparedRanges
{
    /// <summary>All ranges, as they were planned.</summary>
    public static async Task<IReadOnlyList<ComparedRange>> ReadAsync(
        NpgsqlConnection isolated,
        CancellationToken cancellationToken
    ) =>
        [
            .. (
                await isolated.QueryAsync<Row>(
                    """
                    SELECT id, table_name AS "Table", form, after_key AS "After", up_to_key AS "UpTo", recorded::text
                    FROM tenant_promotion.compared ORDER BY lsn, id
                    """,
                    cancellationToken
                )
            ).Select(row => new ComparedRange(
                row.Id,
                row.Table,
                row.Form,
                row.After,
                row.UpTo,
                row.Recorded is null ? null : JsonSerializer.Deserialize<RecordedTable>(row.Recorded)
            )),
        ];

    /// <summary>Plans a range.</summary>
    /// <returns>Its number.</returns>
    public static Task<long> PlanAsync(
        NpgsqlConnection isolated,
        string table,
        string form,
        string[]? after,
        string[]? upTo,
        CancellationToken cancellationToken
    ) =>
        isolated.ExecuteScalarAsync<long>(
            """
            INSERT INTO tenant_promotion.compared (table_name, form, after_key, up_to_key)
            VALUES (@table, @form, CAST(@after AS text[]), CAST(@upTo AS text[])) RETURNING id
            """,
            new
            {
                table,
                form,
                after,
                upTo,
            },
            cancellationToken
        );

    /// <summary>Both sides of a range are equal at a position.</summary>
    public static Task EqualAsync(
        NpgsqlConnection isolated,
        long id,
        string position,
        RecordedTable recorded,
        CancellationToken cancellationToken
    ) =>
        isolated.ExecuteAsync(
            """
            UPDATE tenant_promotion.compared SET lsn = CAST(@position AS pg_lsn), recorded = CAST(@recorded AS jsonb)
            WHERE id = @id
            """,
            new
            {
                id,
                position,
                recorded = JsonSerializer.Serialize(recorded),
            },
            cancellationToken
        );

    /// <summary>The verification is over.</summary>
    public static Task ForgetAsync(NpgsqlConnection isolated, CancellationToken cancellationToken) =>
        isolated.ExecuteAsync("DELETE FROM tenant_promotion.compared", cancellationToken);

    /// <summary>Ranges that were divided, or whose results are worth nothing any more.</summary>
    public static Task ForgetAsync(NpgsqlConnection isolated, long[] ids, CancellationToken cancellationToken) =>
        isolated.ExecuteAsync(
            "DELETE FROM tenant_promotion.compared WHERE id = ANY (@ids)",
            new { ids },
            cancellationToken
        );

    sealed class Row
    {
        public long Id { get; init; }
        public string Table { get; init; } = "";
        public string Form { get; init; } = "";
        public string[]? After { get; init; }
        public string[]? UpTo { get; init; }
        public string? Recorded { get; init; }
    }
}

/// <param name="Form">All that must be the same for the result to hold.</param>
/// <param name="After">See <c>KeyRange</c>.</param>
/// <param name="UpTo">See <c>KeyRange</c>.</param>
/// <param name="Recorded">The shared side, with which the isolated one was equal; null as long as it was not compared.</param>
public sealed record ComparedRange(
    long Id,
    string Table,
    string Form,
    string[]? After,
    string[]? UpTo,
    RecordedTable? Recorded
);
