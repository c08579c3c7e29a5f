using Migrator.Connections;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Runs;
using Migrator.Streaming;
using Npgsql;

namespace Migrator;

/// <summary>
/// Takes tables and views out of the isolated database after DDL in the shared one, to be made anew. The rows of these
/// tables are copied again, and no others.
/// </summary>
static class SchemaRebuild
{
    static readonly string[] Repeated =
    [
        PhaseName.CopyData,
        PhaseName.CatchUp,
        PhaseName.BuildSchema,
        PhaseName.CloneTriggersAndPolicies,
    ];

    /// <param name="relations">Tables that are streamed, and views.</param>
    /// <exception cref="MigratorException">Other tables depend on these: nothing was changed in the isolated database.</exception>
    public static async Task RunAsync(
        PromotionRun run,
        IReadOnlyCollection<TableName> relations,
        CancellationToken cancellationToken
    )
    {
        // In this order: after a kill in between, the changes are found again.
        await NoteAsync(run, relations, cancellationToken);
        if (!run.Record.IsDone(PhaseName.CloneSchema))
            return;
        foreach (var phase in Repeated)
            await run.Journal.Phases.ReopenAsync(run.Id, phase, cancellationToken);
        await DropAsync(run, relations, cancellationToken);
    }

    // Whoever wrote these tables before their DDL had ended when the DDL got its lock, and the DDL has committed: so this
    // snapshot shows all of that, and the copy, whose snapshot is a later one, shows it too.
    static async Task NoteAsync(
        PromotionRun run,
        IReadOnlyCollection<TableName> relations,
        CancellationToken cancellationToken
    )
    {
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        var snapshot = await Snapshots.CurrentAsync(shared, cancellationToken);
        var recopied = new Dictionary<string, string>(run.Record.Recopied);
        foreach (var relation in relations)
            recopied[relation.ToString()] = snapshot;
        await run.Journal.Phases.NoteAsync(run.Id, PhaseName.Preflight, new RecopiedFacts(recopied), cancellationToken);
    }

    static async Task DropAsync(
        PromotionRun run,
        IReadOnlyCollection<TableName> relations,
        CancellationToken cancellationToken
    )
    {
        await using var isolated = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken);
        await using var transaction = await isolated.BeginTransactionAsync(cancellationToken);
        await run.Isolated.RequireCurrentRunAsync(isolated, cancellationToken);
        await run.Isolated.RequireDisposableAsync(isolated, cancellationToken);
        // Part of what the stream has suspended belongs to these tables.
        await ConstraintDeferral.ResumeAsync(isolated, cancellationToken);
        var before = await ColumnsAsync(isolated, relations, cancellationToken);
        var gone = await isolated.QueryAsync<(string Schema, string Name, string? Drop)>(
            """
            WITH wanted AS (
                SELECT c.oid, c.relkind FROM pg_class c
                WHERE c.oid IN (SELECT to_regclass(name) FROM unnest(@relations) name) AND c.relkind IN ('r', 'p', 'v', 'm'))
            SELECT n.nspname::text, c.relname::text, CASE WHEN c.oid = w.oid THEN format('DROP %s IF EXISTS %s CASCADE',
                CASE w.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END, w.oid::regclass) END
            FROM wanted w, LATERAL (SELECT w.oid UNION SELECT relid FROM pg_partition_tree(w.oid)) part (oid)
            JOIN pg_class c USING (oid) JOIN pg_namespace n ON n.oid = c.relnamespace
            """,
            new { relations = relations.Select(relation => relation.Quoted).ToArray() },
            cancellationToken
        );
        foreach (var (schema, name, drop) in gone)
        {
            await IsolatedJournal.ForgetTableAsync(isolated, new(schema, name), cancellationToken);
            if (drop is not null)
                await isolated.ExecuteAsync(drop, cancellationToken);
        }
        var after = await ColumnsAsync(isolated, relations, cancellationToken);
        if (before.Except(after).FirstOrDefault() is { } lost)
            throw PromotionMessages.SchemaChanged(run.Tenant.Slug, $"{lost} depends on what has changed");
        await ConstraintDeferral.SuspendAgainAsync(run.Stream, isolated, relations, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    // A column or a default that is made of a type or a function may go with it; indexes, constraints, triggers and
    // policies come back.
    static async Task<IReadOnlyList<string>> ColumnsAsync(
        NpgsqlConnection isolated,
        IReadOnlyCollection<TableName> but,
        CancellationToken cancellationToken
    ) =>
        await isolated.QueryAsync<string>(
            """
            SELECT format('column %s.%I', c.oid::regclass, a.attname) || CASE WHEN a.atthasdef THEN ' with its default' ELSE '' END
            FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
            WHERE c.relkind IN ('r', 'p') AND c.oid >= 16384 AND a.attnum > 0 AND NOT a.attisdropped
              AND coalesce(pg_partition_root(c.oid), c.oid) NOT IN
                  (SELECT to_regclass(name) FROM unnest(@but) name WHERE to_regclass(name) IS NOT NULL)
            """,
            new { but = but.Select(relation => relation.Quoted).ToArray() },
            cancellationToken
        );
}
