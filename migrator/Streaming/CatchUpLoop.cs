using Migrator.Messages;

namespace Migrator.Streaming;

/// <summary>Applies changes until the target is near the source, while the tenant writes on.</summary>
public sealed class CatchUpLoop(StreamDirection direction)
{
    const int Rounds = 30;
    const int ReverseRounds = 3;
    const int ConsistentPoints = 3;
    const int MomentRounds = 20;

    static readonly TimeSpan NearEnough = TimeSpan.FromSeconds(1);

    // In the shared database a batch waits for tables that others write to.
    static readonly TimeSpan ReverseNearEnough = TimeSpan.FromSeconds(10);

    static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(100);

    /// <param name="touched">Where to note the keys of changed rows.</param>
    /// <returns>How many changes were applied.</returns>
    public async Task<long> RunAsync(TargetState state, CancellationToken cancellationToken, DirtyKeys? touched = null)
    {
        long changes = 0;
        for (var round = 1; round <= Rounds; round++)
        {
            await using (var feed = await ChangeFeed.OpenAsync(direction, state, cancellationToken, touched))
                try
                {
                    feed.IsGoverned = true;
                    await WithinAsync(feed, direction.IsReverse ? ReverseNearEnough : NearEnough, cancellationToken);
                    return changes + feed.Changes;
                }
                catch (ConsistentPointNeededException)
                {
                    changes += feed.Changes;
                }
            await using var point = await ConsistentPoint.SyncAsync(direction, state, touched, cancellationToken);
            // Where rows are reassigned all the time, what came after the point takes no longer than a moment either.
            if (round >= ConsistentPoints)
                return changes;
        }
        throw StreamMessages.CannotCatchUp(direction.Tenant.Slug);
    }

    /// <summary>
    /// Emits watermarks until one comes through within a time. Where processors are busy none may come through within a
    /// short time; then one within a second will do.
    /// </summary>
    /// <exception cref="Model.MigratorException">Each of them took longer.</exception>
    public async Task WithinAsync(ChangeFeed feed, TimeSpan near, CancellationToken cancellationToken)
    {
        var rounds = direction.IsReverse ? ReverseRounds : Rounds;
        if (
            await PassAsync(feed, near, rounds, cancellationToken)
            || (near < NearEnough && await PassAsync(feed, NearEnough, rounds, cancellationToken))
        )
            return;
        throw direction.IsReverse
            ? StreamMessages.CannotCatchUpHome(direction.Tenant.Slug)
            : StreamMessages.CannotCatchUp(direction.Tenant.Slug);
    }

    /// <summary>
    /// Waits a little for a moment at which less is left than usual: what is left is applied while the tenant waits. Not
    /// for the forward stream, which a row that is reassigned meanwhile would end.
    /// </summary>
    public Task GoodMomentAsync(ChangeFeed feed, CancellationToken cancellationToken) =>
        PassAsync(feed, Moment, MomentRounds, cancellationToken);

    async Task<bool> PassAsync(ChangeFeed feed, TimeSpan near, int rounds, CancellationToken cancellationToken)
    {
        await using var source = await direction.Source.OpenConnectionAsync(cancellationToken);
        return await IsReachedAsync(
            () => feed.PassWatermarkAsync(source, cancellationToken, tells: true),
            near,
            rounds,
            lag => direction.Progress.Info(StreamMessages.CatchingUp(feed.Changes, lag)),
            direction.Clock,
            () => feed.Waited
        );
    }

    /// <summary>Whether one of some watermarks comes through within a time.</summary>
    /// <param name="passWatermark">Emits a watermark and waits for it.</param>
    /// <param name="behind">Told how long a watermark took, when a person would notice.</param>
    /// <param name="waited">How long the feed was held up on purpose, which counts for nothing.</param>
    internal static async Task<bool> IsReachedAsync(
        Func<Task> passWatermark,
        TimeSpan near,
        int rounds,
        Action<TimeSpan> behind,
        TimeProvider clock,
        Func<TimeSpan>? waited = null
    )
    {
        for (var round = 1; round <= rounds; round++)
        {
            var (emitted, before) = (clock.GetTimestamp(), waited?.Invoke());
            await passWatermark();
            var lag = clock.GetElapsedTime(emitted) - (waited?.Invoke() - before ?? TimeSpan.Zero);
            if (lag < near)
                return true;
            if (lag > NearEnough)
                behind(lag);
        }
        return false;
    }
}
