using Migrator.Connections;
using Migrator.Copying;
using Migrator.Cutover;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Runs;
using Migrator.Schema;

namespace Migrator.Phases;

/// <summary>
/// Cutover in mode fenced: the rows do not change any more. Triggers and policies, sequences and the flip
/// remain.
/// </summary>
public sealed class CutOver : Phase
{
    public override string Name => PhaseName.CutOver;
    public override string Title => "Cut over";
    public override string State => PromotionState.CuttingOver;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await Flip.RequireSameDumpAsync(run, cancellationToken);
        await run.Databases.EndLeftoverSessionsAsync(run.Clock, cancellationToken);
        await (await run.ArchiveAsync(cancellationToken)).RestoreAsync(
            [SchemaPart.TriggersAndPolicies, SchemaPart.Rules],
            run.Databases,
            1,
            cancellationToken
        );
        await using (var connection = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken))
        {
            // Sequences are not transactional: a superseded run must not set the sequences of a database in use.
            await using var holding = await connection.BeginTransactionAsync(cancellationToken);
            await run.Isolated.RequireCurrentRunAsync(connection, cancellationToken);
            var highest = await SequenceSetter.HighestAsync(run.Databases, run.Scope, cancellationToken);
            await SequenceSetter.SetAsync(run.Databases, run.Scope, run.Id, highest, cancellationToken);
            await DatabaseSettings.CopyAsync(run, cancellationToken);
            await ExtensionData.CopyAsync(run, cancellationToken);
        }
        await RecheckCountsAsync(run, cancellationToken);
        await run.Guard.RequireStandingAsync(cancellationToken);

        var isolation = await Flip.IsolationAsync(run, cancellationToken);
        await Flip.IsolatedAsync(
            run,
            isolation,
            await Flip.RolesAsync(run, cancellationToken),
            null,
            cancellationToken
        );
        var pause = await Flip.SharedAsync(
            run,
            run.Closed!,
            isolation,
            null,
            new { isolation },
            run.Options.MaxPause,
            cancellationToken
        );
        // From here on nothing is undone automatically. The remaining steps must be recorded, even after Ctrl-C.
        await Flip.PublishAsync(run, CancellationToken.None);
        run.Progress.Paused(pause, new Dictionary<string, double>());
        return new($"pause {pause:N0} ms", Recorded: true);
    }

    static async Task RecheckCountsAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        var recorded = await JournalReader.DigestsAsync(shared, run.Id, cancellationToken);
        await using var isolated = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken);
        foreach (var table in run.Scope.CopiedTables)
        {
            var rows = await isolated.ExecuteScalarAsync<long>(
                $"SELECT count(*) FROM {table.Table.From} t WHERE {run.Scope.Arrived(table, "t")}",
                cancellationToken
            );
            if (rows != recorded[table.Name.ToString()].Rows)
                throw VerificationMessages.CountChanged(table.Name, recorded[table.Name.ToString()].Rows, rows);
        }
    }
}
