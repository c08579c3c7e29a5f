using Dapper;
using Migrator.Journal;
using Migrator.Model;
using Migrator.Schema;

namespace Migrator.Phases;

/// <summary>Schemas, extensions, types, tables, sequences, functions and grants; nothing that runs or checks anything yet.</summary>
public sealed class CloneSchema : Phase
{
    public const string PhaseName = "clone-schema";

    public override string Name => PhaseName;
    public override string Title => "Clone the schema";
    public override string State => PromotionState.Preparing;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancel)
    {
        // From scratch every time: half a schema, or the copy of an attempt whose guard has been opened since, is worth nothing.
        await run.Databases.EndLeftoverSessionsAsync(cancel);
        await using (var connection = await run.Databases.Isolated.OpenConnectionAsync(cancel))
        {
            await using var emptying = await connection.BeginTransactionAsync(cancel);
            await run.Isolated.HoldAsync(connection, cancel);
            await connection.ExecuteAsync(new CommandDefinition(SqlFile.Read("empty-database.sql"), cancellationToken: cancel));
            await emptying.CommitAsync(cancel);
        }

        var archive = await run.ArchiveAsync(cancel);
        await archive.RestoreAsync([SchemaPart.Schemas], run.Databases, 1, cancel);
        await archive.RestoreAsync([SchemaPart.PreData], run.Databases, 1, cancel);
        return new($"{run.Scope.Tables.Count} tables");
    }
}
