using System.Diagnostics;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Schema;
using Migrator.Streaming;
using Migrator.Terminal;

namespace Migrator.Phases;

/// <summary>
/// Applies what was written since the slot was created. The tables were copied at moments of their own; when the stream has passed the last of
/// them, the isolated database is exactly the tenant at one position, and constraints between rows can be built.
/// </summary>
public sealed class CatchUp : Phase
{
    const int Rounds = 30;
    const int RoundsHome = 3;
    const int ExactPoints = 3;

    static readonly TimeSpan NearEnough = TimeSpan.FromSeconds(1);

    // In the shared database a chunk waits for tables that others write to.
    static readonly TimeSpan NearEnoughHome = TimeSpan.FromSeconds(10);

    public const string PhaseName = "catch-up";

    public override string Name => PhaseName;
    public override string Title => "Catch up with the changes";
    public override string State => PromotionState.CatchingUp;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await run.Databases.EndLeftoverSessionsAsync(cancellationToken);
        await (await run.ArchiveAsync(cancellationToken)).RestoreAsync(
            [SchemaPart.PrimaryKeys],
            run.Databases,
            run.Options.Jobs,
            cancellationToken
        );
        var direction = StreamDirection.Forward(run);
        var changes = await CatchUpAsync(run, direction, exact: false, cancellationToken);
        await using var point = await ConsistentPoint.SyncAsync(direction, exact: false, null, cancellationToken);
        return new($"{changes:N0} changes");
    }

    /// <summary>Applies until what remains is a moment's work.</summary>
    public static async Task<long> CatchUpAsync(
        PromotionRun run,
        StreamDirection direction,
        bool exact,
        CancellationToken cancellationToken
    )
    {
        long changes = 0;
        for (var round = 1; round <= Rounds; round++)
        {
            await using (var feed = await ChangeFeed.OpenAsync(direction, exact, cancellationToken))
                try
                {
                    await CatchUpWithinAsync(
                        run,
                        direction,
                        feed,
                        direction.IsReverse ? NearEnoughHome : NearEnough,
                        cancellationToken
                    );
                    return changes + feed.Changes;
                }
                catch (ConsistentPointNeededException)
                {
                    changes += feed.Changes;
                }
            // Rows move all the time: what came after the point is a moment's work all the same.
            await using var point = await ConsistentPoint.SyncAsync(direction, exact, null, cancellationToken);
            if (round >= ExactPoints)
                return changes;
        }
        throw StreamMessages.CannotCatchUp(run.Tenant.Slug);
    }

    /// <summary>Puts marks into the stream until one comes through within a time.</summary>
    public static async Task CatchUpWithinAsync(
        PromotionRun run,
        StreamDirection direction,
        ChangeFeed feed,
        TimeSpan near,
        CancellationToken cancellationToken
    )
    {
        await using var source = await direction.Source.OpenConnectionAsync(cancellationToken);
        for (var round = 1; round <= (direction.IsReverse ? RoundsHome : Rounds); round++)
        {
            var watch = Stopwatch.StartNew();
            await feed.WaitForWatermarkAsync(
                await ReplicationSlot.EmitWatermarkAsync(source, cancellationToken),
                cancellationToken
            );
            if (watch.Elapsed < near)
                return;
            if (watch.Elapsed > NearEnough)
                run.Progress.Info(StreamMessages.CatchingUp(feed.Changes, watch.Elapsed));
        }
        throw direction.IsReverse
            ? StreamMessages.CannotFollowHome(run.Tenant.Slug)
            : StreamMessages.CannotCatchUp(run.Tenant.Slug);
    }
}
