using Migrator.Messages;

namespace Migrator.Streaming;

/// <summary>Applies changes until the target is near the source, while the tenant writes on.</summary>
public sealed class CatchUpLoop(StreamDirection direction)
{
    const int Rounds = 30;
    const int ReverseRounds = 3;
    const int ConsistentPoints = 3;

    static readonly TimeSpan NearEnough = TimeSpan.FromSeconds(1);

    // In the shared database a batch waits for tables that others write to.
    static readonly TimeSpan ReverseNearEnough = TimeSpan.FromSeconds(10);

    /// <returns>How many changes were applied.</returns>
    public async Task<long> RunAsync(TargetState state, CancellationToken cancellationToken)
    {
        long changes = 0;
        for (var round = 1; round <= Rounds; round++)
        {
            await using (var feed = await ChangeFeed.OpenAsync(direction, state, cancellationToken))
                try
                {
                    await WithinAsync(feed, direction.IsReverse ? ReverseNearEnough : NearEnough, cancellationToken);
                    return changes + feed.Changes;
                }
                catch (ConsistentPointNeededException)
                {
                    changes += feed.Changes;
                }
            await using var point = await ConsistentPoint.SyncAsync(direction, state, null, cancellationToken);
            // Where rows are reassigned all the time, what came after the point takes no longer than a moment either.
            if (round >= ConsistentPoints)
                return changes;
        }
        throw StreamMessages.CannotCatchUp(direction.Tenant.Slug);
    }

    /// <summary>Emits watermarks until one comes through within a time.</summary>
    /// <exception cref="Model.MigratorException">Each of them took longer.</exception>
    public async Task WithinAsync(ChangeFeed feed, TimeSpan near, CancellationToken cancellationToken)
    {
        await using var source = await direction.Source.OpenConnectionAsync(cancellationToken);
        var isNear = await IsReachedAsync(
            async () =>
                await feed.WaitForWatermarkAsync(
                    await ReplicationSlot.EmitWatermarkAsync(source, cancellationToken),
                    cancellationToken
                ),
            near,
            direction.IsReverse ? ReverseRounds : Rounds,
            lag => direction.Progress.Info(StreamMessages.CatchingUp(feed.Changes, lag)),
            direction.Clock
        );
        if (!isNear)
            throw direction.IsReverse
                ? StreamMessages.CannotFollowHome(direction.Tenant.Slug)
                : StreamMessages.CannotCatchUp(direction.Tenant.Slug);
    }

    /// <summary>Whether one of some watermarks comes through within a time.</summary>
    /// <param name="passWatermark">Emits a watermark and waits for it.</param>
    /// <param name="behind">Told how long a watermark took, when a person would notice.</param>
    internal static async Task<bool> IsReachedAsync(
        Func<Task> passWatermark,
        TimeSpan near,
        int rounds,
        Action<TimeSpan> behind,
        TimeProvider clock
    )
    {
        for (var round = 1; round <= rounds; round++)
        {
            var emitted = clock.GetTimestamp();
            await passWatermark();
            var lag = clock.GetElapsedTime(emitted);
            if (lag < near)
                return true;
            if (lag > NearEnough)
                behind(lag);
        }
        return false;
    }
}
