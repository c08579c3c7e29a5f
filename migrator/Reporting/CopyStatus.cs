using Migrator.Connections;
using Migrator.Journal;
using Migrator.Model;
using Npgsql;

namespace Migrator.Reporting;

/// <summary>How much of a tenant has been copied: what is recorded, or how far the copy is.</summary>
/// <param name="Bytes">Null where nothing tells.</param>
public sealed record CopyStatus(long Rows, long Tables, long? Bytes)
{
    public static async Task<CopyStatus> ReadAsync(
        Databases databases,
        NpgsqlConnection shared,
        PromotionRecord? record,
        CancellationToken cancellationToken
    )
    {
        if (record is null)
            return new(0, 0, null);
        var (rows, tables) = await shared.QuerySingleAsync<(long, long)>(
            "SELECT coalesce(sum(rows), 0)::bigint, count(*) FROM tenant_promotion.digest WHERE promotion_id = @Id",
            new { record.Id },
            cancellationToken
        );
        return record.Phase(PhaseName.CopyData) switch
        {
            { EndedAt: not null } copy when PhaseData.Read<CopyFacts>(copy.Facts) is { } copied => new(
                copied.Rows,
                tables,
                copied.Bytes
            ),
            { EndedAt: null } when record.EndedAt is null && IsSame(record.Target, databases) => await UnderWayAsync(
                databases,
                cancellationToken
            ) ?? new(rows, tables, null),
            _ => new(rows, tables, null),
        };
    }

    // What is loaded, and what the COPYs at work have loaded so far.
    static async Task<CopyStatus?> UnderWayAsync(Databases databases, CancellationToken cancellationToken)
    {
        try
        {
            await using var isolated = await databases.Isolated.OpenConnectionAsync(cancellationToken);
            if (!await OwnSchema.HasAsync(isolated, "loaded", cancellationToken))
                return null;
            var (rows, tables, bytes) = await isolated.QuerySingleAsync<(long, long, long)>(
                """
                SELECT sum(rows)::bigint, count(DISTINCT name) FILTER (WHERE name IS NOT NULL), sum(bytes)::bigint
                FROM (SELECT rows, table_name AS name, bytes FROM tenant_promotion.loaded
                      UNION ALL SELECT tuples_processed, NULL, bytes_processed FROM pg_stat_progress_copy
                      WHERE datname = current_database() AND command = 'COPY FROM'
                      UNION ALL SELECT 0, NULL, 0) part
                """,
                cancellationToken
            );
            return new(rows, tables, bytes);
        }
        catch (NpgsqlException)
        {
            // A server that is away is no reason not to tell the rest.
            return null;
        }
    }

    /// <summary>The promotion's server is the one that the settings name.</summary>
    public static bool IsSame(Target target, Databases databases) =>
        target.Host == databases.IsolatedServer.Host && target.Port == databases.IsolatedServer.Port;
}
