using Migrator.Connections;
using Migrator.Copying;
using Migrator.Cutover;
using Migrator.Hooks;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Runs;
using Migrator.Schema;
using Migrator.Streaming;
using NpgsqlTypes;

namespace Migrator.Phases;

/// <summary>
/// Cutover in mode online: closes the guard, applies the last changes, compares the touched rows again, and
/// flips the tenant. Every step that can run before the guard closes runs before. If a step fails or takes too
/// long, the guard opens again and the tenant's writes resume.
/// </summary>
public sealed class CutOverOnline : Phase
{
    public override string Name => PhaseName.CutOver;
    public override string Title => "Cut over";
    public override string State => PromotionState.CuttingOver;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await CutoverQuestion.AskAsync(run, cancellationToken);
        await Flip.RequireSameDumpAsync(run, cancellationToken);
        await DatabaseSettings.CopyAsync(run, cancellationToken);
        await ExtensionData.CopyAsync(run, cancellationToken);
        var archive = await run.ArchiveAsync(cancellationToken);
        var plan = new Plan(
            await Flip.IsolationAsync(run, cancellationToken),
            await Flip.RolesAsync(run, cancellationToken),
            await OpenReverseAsync(run, cancellationToken),
            await SequenceSetter.HighestAsync(run.Databases, run.Scope, cancellationToken),
            archive
        );
        var summary = await CutoverLoop.TryAsync(
            run,
            run.Guard,
            () =>
                CutoverLoop.ForwardAsync(
                    run,
                    (feed, keyless) => PauseAsync(run, plan, feed, keyless, cancellationToken),
                    cancellationToken
                ),
            cancellationToken
        );
        // From here on nothing is undone automatically. The remaining steps must be recorded, even after Ctrl-C.
        await Flip.PublishAsync(run, CancellationToken.None);
        return new(summary, Recorded: true);
    }

    public override async Task UndoAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await GuardOpening.OnlineAsync(run, cancellationToken);
        await StreamDirection.Reverse(run.Stream).RemoveAsync(cancellationToken);
    }

    static async Task<string> PauseAsync(
        PromotionRun run,
        Plan plan,
        ChangeFeed feed,
        KeylessRows keyless,
        CancellationToken cancellationToken
    )
    {
        await run.Journal.TransactAsync(
            transaction => HoldJournal.RequireLetGoAsync(transaction, run.Record),
            cancellationToken
        );
        var parts = new PauseParts(run.Clock);
        var pause = await Pause.RunAsync(
            run,
            run.Guarded,
            parts,
            token => PrepareAsync(run, plan, feed, keyless, parts, token),
            (closed, limit, ready) =>
                parts.MeasureAsync(
                    PauseParts.Flip,
                    () =>
                        Flip.SharedAsync(
                            run,
                            closed,
                            plan.Isolation,
                            plan.HasReverse ? ready.Position : null,
                            new CutoverFacts(plan.Isolation, ready.Snapshot, parts.Milliseconds),
                            PauseDeadline.LockTimeout,
                            CancellationToken.None
                        )
                ),
            cancellationToken
        );
        return parts.Report(run.Progress, pause);
    }

    static async Task<(string Snapshot, NpgsqlLogSequenceNumber Position)> PrepareAsync(
        PromotionRun run,
        Plan plan,
        ChangeFeed feed,
        KeylessRows keyless,
        PauseParts parts,
        CancellationToken cancellationToken
    )
    {
        await new LastChanges(run, feed, keyless, plan.Highest, parts).BringAsync(cancellationToken);
        await parts.MeasureAsync(
            PauseParts.Rules,
            () => plan.Archive.RestoreAsync([SchemaPart.Rules], run.Databases, 1, cancellationToken)
        );
        await parts.MeasureAsync(
            PauseParts.Mark,
            () =>
                Flip.IsolatedAsync(
                    run,
                    plan.Isolation,
                    plan.Roles,
                    isolated => ConstraintDeferral.ResumeAsync(isolated, cancellationToken),
                    cancellationToken
                )
        );
        return await HoldAsFlippedAsync(run, cancellationToken);
    }

    // No client is routed to the isolated database yet, so every commit there after this position is the tenant's.
    static async Task<(string Snapshot, NpgsqlLogSequenceNumber Position)> HoldAsFlippedAsync(
        PromotionRun run,
        CancellationToken cancellationToken
    )
    {
        var connection = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken);
        run.AsFlipped = connection;
        await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, cancellationToken);
        var (snapshot, position) = await connection.QuerySingleAsync<(string, string)>(
            "SELECT pg_export_snapshot(), pg_current_wal_insert_lsn()::text",
            cancellationToken
        );
        return (snapshot, NpgsqlLogSequenceNumber.Parse(position));
    }

    // Before the pause, because creating a slot waits for every open transaction of its server.
    static async Task<bool> OpenReverseAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        var direction = StreamDirection.Reverse(run.Stream);
        await using var isolated = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken);
        if (await ReplicationSlot.ExistsAsync(isolated, direction.Name, cancellationToken))
            return true;
        if (await isolated.ExecuteScalarAsync<string>("SHOW wal_level", cancellationToken) != "logical")
        {
            run.Progress.Warn(StreamMessages.NoWayBackByStream(run.Target));
            return false;
        }
        await direction.CreateAsync(cancellationToken);
        return true;
    }

    sealed record Plan(
        System.Text.Json.Nodes.JsonObject Isolation,
        IReadOnlyList<string> Roles,
        bool HasReverse,
        IReadOnlyDictionary<TableName, long> Highest,
        SchemaArchive Archive
    );
}
