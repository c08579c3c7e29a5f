using Migrator.Messages;
using Migrator.Progress;

namespace Migrator.Streaming;

/// <summary>Applies changes until what remains is a moment's work.</summary>
public sealed class CatchUpLoop(StreamDirection direction, IPromotionProgress progress, TimeProvider clock)
{
    const int Rounds = 30;
    const int ReverseRounds = 3;
    const int ConsistentPoints = 3;

    static readonly TimeSpan NearEnough = TimeSpan.FromSeconds(1);

    // A batch waits for tables of the shared database that others write to.
    static readonly TimeSpan ReverseNearEnough = TimeSpan.FromSeconds(10);

    /// <returns>How many changes were applied.</returns>
    public async Task<long> RunAsync(bool exact, CancellationToken cancellationToken)
    {
        long changes = 0;
        for (var round = 1; round <= Rounds; round++)
        {
            await using (var feed = await ChangeFeed.OpenAsync(direction, exact, cancellationToken))
                try
                {
                    await WithinAsync(feed, direction.IsReverse ? ReverseNearEnough : NearEnough, cancellationToken);
                    return changes + feed.Changes;
                }
                catch (ConsistentPointNeededException)
                {
                    changes += feed.Changes;
                }
            // Rows are reassigned all the time: what came after the point is a moment's work all the same.
            await using var point = await ConsistentPoint.SyncAsync(direction, exact, null, cancellationToken);
            if (round >= ConsistentPoints)
                return changes;
        }
        throw StreamMessages.CannotCatchUp(direction.Tenant.Slug);
    }

    /// <summary>Emits watermarks until one comes through within a time.</summary>
    public async Task WithinAsync(ChangeFeed feed, TimeSpan near, CancellationToken cancellationToken)
    {
        await using var source = await direction.Source.OpenConnectionAsync(cancellationToken);
        for (var round = 1; round <= (direction.IsReverse ? ReverseRounds : Rounds); round++)
        {
            var began = clock.GetTimestamp();
            await feed.WaitForWatermarkAsync(
                await ReplicationSlot.EmitWatermarkAsync(source, cancellationToken),
                cancellationToken
            );
            var lag = clock.GetElapsedTime(began);
            if (lag < near)
                return;
            if (lag > NearEnough)
                progress.Info(StreamMessages.CatchingUp(feed.Changes, lag));
        }
        throw direction.IsReverse
            ? StreamMessages.CannotFollowHome(direction.Tenant.Slug)
            : StreamMessages.CannotCatchUp(direction.Tenant.Slug);
    }
}
