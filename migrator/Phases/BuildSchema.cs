using Migrator.Connections;
using Migrator.Model;
using Migrator.Runs;
using Migrator.Schema;
using Migrator.Streaming;

namespace Migrator.Phases;

/// <summary>
/// Primary keys, then indexes, constraints and foreign keys over the loaded rows; then materialised views and
/// statistics.
/// </summary>
public sealed class BuildSchema : Phase
{
    public override string Name => PhaseName.BuildSchema;
    public override string Title => "Build keys and indexes";
    public override string State => PromotionState.Copying;
    public override bool EndsByPause => true;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await run.Databases.EndLeftoverSessionsAsync(run.Clock, cancellationToken);
        var archive = await run.ArchiveAsync(cancellationToken);
        await run.Governor.WaitAsync(cancellationToken);
        await using (var builds = new IndexBuilds(run.Databases, run.Progress, run.Clock))
        {
            builds.Start();
            await archive.RestoreAsync(
                [SchemaPart.PrimaryKeys, SchemaPart.PostData],
                run.Databases,
                run.Options.Jobs,
                cancellationToken
            );
        }
        await ProvisionalKeys.DropAsync(StreamDirection.Forward(run.Stream), cancellationToken);
        await RefreshViewsAsync(run, cancellationToken);
        await AnalyzeAsync(run, cancellationToken);
        return new();
    }

    // After the indexes, because an index over an expression has statistics of its own. ANALYZE of a
    // partitioned table includes its partitions.
    static Task AnalyzeAsync(PromotionRun run, CancellationToken cancellationToken) =>
        Parallel.ForEachAsync(
            run.Scope.CopiedTables.OrderByDescending(table => table.Table.Bytes),
            new ParallelOptions { MaxDegreeOfParallelism = run.Options.Jobs, CancellationToken = cancellationToken },
            async (table, token) =>
            {
                await using var connection = await run.Databases.Isolated.OpenConnectionAsync(token);
                await connection.ExecuteAsync($"ANALYZE {table.Name.Quoted}", token);
            }
        );

    // By depth of dependency: a view over other views comes after them.
    static async Task RefreshViewsAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        var views = await shared.QueryAsync<(string Schema, string Name)>(
            """
            WITH RECURSIVE uses AS (
                SELECT DISTINCT r.ev_class AS view, d.refobjid AS used
                FROM pg_rewrite r
                JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
                                AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> r.ev_class
                JOIN pg_class c ON c.oid = d.refobjid AND c.relkind IN ('v', 'm')
            ), depth (view, level) AS (
                SELECT oid, 0 FROM pg_class WHERE relkind IN ('v', 'm')
                UNION
                SELECT u.view, depth.level + 1 FROM depth JOIN uses u ON u.used = depth.view
            )
            SELECT n.nspname::text, c.relname::text
            FROM depth JOIN pg_class c ON c.oid = depth.view JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind = 'm' AND c.relispopulated
              AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
            GROUP BY 1, 2 ORDER BY max(depth.level)
            """,
            cancellationToken
        );
        await using var connection = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken);
        foreach (var (schema, name) in views)
            await connection.ExecuteAsync(
                $"REFRESH MATERIALIZED VIEW {new TableName(schema, name).Quoted}",
                cancellationToken
            );
    }
}
