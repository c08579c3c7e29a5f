using Migrator.Connections;
using Migrator.Model;
using Migrator.Runs;
using Migrator.Schema;

namespace Migrator.Phases;

/// <summary>
/// Schemas, extensions, types, tables, sequences, functions and grants. Nothing that runs code or checks rows
/// yet.
/// </summary>
public sealed class CloneSchema : Phase
{
    public override string Name => PhaseName.CloneSchema;
    public override string Title => "Clone the schema";
    public override string State => PromotionState.Preparing;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        // Always from the start: half a schema is useless, and so is the copy of an attempt whose guard was
        // opened afterwards.
        await run.Databases.EndLeftoverSessionsAsync(run.Clock, cancellationToken);
        await using (var connection = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken))
            await TableLock.RunOnDatabaseAsync(
                connection,
                async token =>
                {
                    await run.Isolated.RequireCurrentRunAsync(connection, token);
                    await run.Isolated.RequireDisposableAsync(connection, token);
                    return await connection.ExecuteAsync(SqlFile.Read("empty-database.sql"), token);
                },
                run.Clock,
                cancellationToken
            );

        var archive = await run.ArchiveAsync(cancellationToken);
        await archive.RestoreAsync([SchemaPart.Schemas], run.Databases, 1, cancellationToken);
        await archive.RestoreAsync([SchemaPart.PreData], run.Databases, 1, cancellationToken);
        await IsolatedDatabase.CloseAsync(run, cancellationToken);
        await archive.RestoreAsync([SchemaPart.Grants], run.Databases, 1, cancellationToken);
        return new($"{run.Scope.Tables.Count} tables");
    }
}
