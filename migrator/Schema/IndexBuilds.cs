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
public sealed class IndexBuilds : IAsyncDisposable
{
    static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    readonly CancellationTokenSource closing;
    readonly Task watching;

    IndexBuilds(
        Databases databases,
        IPromotionProgress progress,
        TimeProvider clock,
        CancellationToken cancellationToken
    )
    {
        closing = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        watching = WatchAsync(databases, progress, clock, closing.Token);
    }

    /// <summary>Tells until disposed.</summary>
    public static IndexBuilds Watch(
        Databases databases,
        IPromotionProgress progress,
        TimeProvider clock,
        CancellationToken cancellationToken
    ) => new(databases, progress, clock, cancellationToken);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await closing.CancelAsync();
        await watching;
        closing.Dispose();
    }

    static async Task WatchAsync(
        Databases databases,
        IPromotionProgress progress,
        TimeProvider clock,
        CancellationToken cancellationToken
    )
    {
        try
        {
            await using var shared = await databases.Shared.OpenConnectionAsync(cancellationToken);
            await using var isolated = await databases.Isolated.OpenConnectionAsync(cancellationToken);
            var wanted = (await WantedAsync(shared, cancellationToken)).ToDictionary();
            using var timer = new PeriodicTimer(Interval, clock);
            do foreach (var (table, bytes, built) in await BuiltAsync(isolated, cancellationToken))
                progress.Reached(
                    table,
                    ProgressUnit.IndexBytes,
                    (long)(bytes * built),
                    bytes * wanted.GetValueOrDefault(table)
                );
            while (await timer.WaitForNextTickAsync(cancellationToken));
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested) { }
        catch (NpgsqlException)
        {
            // If a server is gone and not only this session, the build fails by itself.
        }
    }

    static Task<IReadOnlyList<(string, long)>> WantedAsync(
        NpgsqlConnection shared,
        CancellationToken cancellationToken
    ) =>
        shared.QueryAsync<(string, long)>(
            """
            SELECT n.nspname || '.' || c.relname, count(*)
            FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
            GROUP BY 1
            """,
            cancellationToken
        );

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
