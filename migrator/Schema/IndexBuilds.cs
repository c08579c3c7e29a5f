using Migrator.Connections;
using Migrator.Model;
using Migrator.Progress;
using Npgsql;

namespace Migrator.Schema;

/// <summary>Tells each second how far the keys and indexes of the isolated database are built.</summary>
/// <remarks>
/// What was copied of a table counts once for each of its indexes: a build reads the table, and then writes about half as long.
/// https://www.postgresql.org/docs/current/progress-reporting.html#CREATE-INDEX-PROGRESS-REPORTING
/// </remarks>
public sealed class IndexBuilds(Databases databases, IPromotionProgress progress, TimeProvider clock)
    : SideLine(databases.IsolatedServer, Interval, clock)
{
    static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    Dictionary<string, long>? wanted;

    /// <inheritdoc/>
    protected override async Task TickAsync(CancellationToken cancellationToken)
    {
        wanted ??= await WantedAsync(cancellationToken);
        foreach (
            var (table, bytes, built) in await BuiltAsync(await ConnectAsync(cancellationToken), cancellationToken)
        )
            progress.Reached(
                table,
                ProgressUnit.IndexBytes,
                (long)(bytes * built),
                bytes * wanted.GetValueOrDefault(table)
            );
    }

    async Task<Dictionary<string, long>> WantedAsync(CancellationToken cancellationToken)
    {
        await using var shared = await databases.Shared.OpenConnectionAsync(cancellationToken);
        var indexes = await shared.QueryAsync<(string, long)>(
            """
            SELECT n.nspname || '.' || c.relname, count(*)
            FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
            GROUP BY 1
            """,
            cancellationToken
        );
        return indexes.ToDictionary();
    }

    // Of the indexes that are being built the part that is. The catalogs alone: a size would be asked of a table that is
    // locked.
    static Task<IReadOnlyList<(string Table, long Bytes, double Indexes)>> BuiltAsync(
        NpgsqlConnection isolated,
        CancellationToken cancellationToken
    ) =>
        isolated.QueryAsync<(string, long, double)>(
            """
            SELECT l.table_name, l.bytes,
                   ((SELECT count(*) FROM pg_index i WHERE i.indrelid = c.oid)
                    + (SELECT coalesce(sum(coalesce(0.7 * p.blocks_done / nullif(p.blocks_total, 0), 0)
                                           + coalesce(0.3 * p.tuples_done / nullif(p.tuples_total, 0), 0)), 0)
                       FROM pg_stat_progress_create_index p
                       WHERE p.relid = c.oid AND p.datname = current_database()))::double precision
            FROM (SELECT table_name, sum(bytes)::bigint AS bytes FROM tenant_promotion.loaded GROUP BY 1) l
            JOIN (pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace)
                ON l.table_name = n.nspname || '.' || c.relname
            """,
            cancellationToken
        );
}
