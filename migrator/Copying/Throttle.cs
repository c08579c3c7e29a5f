using Migrator.Connections;
using Migrator.Messages;
using Migrator.Progress;
using Npgsql;

namespace Migrator.Copying;

/// <summary>How much the copy may load the shared server; 0 stands for no limit.</summary>
/// <param name="MaxRate">Bytes per second, over all workers.</param>
/// <param name="MaxReplicaLag">Bytes that a physical standby may be behind.</param>
/// <param name="MaxActiveSessions">Sessions of others that may be running a statement.</param>
public sealed record CopyLimits(long MaxRate, long MaxReplicaLag, int MaxActiveSessions);

/// <summary>
/// Limits the copy to a rate, and pauses it while the shared server or one of its standbys is overloaded.
/// </summary>
public sealed class Throttle : IAsyncDisposable
{
    static readonly TimeSpan ProbeInterval = TimeSpan.FromSeconds(1);

    readonly Databases databases;
    readonly CopyLimits limits;
    readonly IPromotionProgress progress;
    readonly TimeProvider clock;
    readonly RateLimit? rate;
    readonly CancellationTokenSource closing = new();
    Task watching = Task.CompletedTask;
    TaskCompletionSource? pause;

    Throttle(Databases databases, CopyLimits limits, IPromotionProgress progress, TimeProvider clock)
    {
        this.databases = databases;
        this.limits = limits;
        this.progress = progress;
        this.clock = clock;
        rate = limits.MaxRate > 0 ? new(limits.MaxRate, clock) : null;
    }

    /// <summary>
    /// Probes the server at once, so that a copy does not begin on an overloaded server, and then every second.
    /// </summary>
    public static async Task<Throttle> StartAsync(
        Databases databases,
        CopyLimits limits,
        IPromotionProgress progress,
        TimeProvider clock,
        CancellationToken cancellationToken
    )
    {
        var throttle = new Throttle(databases, limits, progress, clock);
        if (limits is { MaxReplicaLag: 0, MaxActiveSessions: 0 })
            return throttle;
        await throttle.WarnIfStatisticsHiddenAsync(cancellationToken);
        await throttle.ProbeAsync(cancellationToken);
        throttle.watching = throttle.WatchAsync(throttle.closing.Token);
        return throttle;
    }

    /// <summary>To be called with the bytes of each block.</summary>
    public ValueTask PassAsync(long bytes, CancellationToken cancellationToken) =>
        rate is null && Volatile.Read(ref pause) is null
            ? ValueTask.CompletedTask
            : WaitAsync(bytes, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await closing.CancelAsync();
        await watching;
        closing.Dispose();
    }

    async ValueTask WaitAsync(long bytes, CancellationToken cancellationToken)
    {
        if (rate is not null)
            await rate.PassAsync(bytes, cancellationToken);
        while (Volatile.Read(ref pause) is { } paused)
            await paused.Task.WaitAsync(cancellationToken);
    }

    async Task WatchAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(ProbeInterval, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
                try
                {
                    await ProbeAsync(cancellationToken);
                }
                catch (NpgsqlException)
                {
                    // If the server is gone and not only this session, the workers and the journal's lock fail by
                    // themselves.
                }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested) { }
    }

    async Task ProbeAsync(CancellationToken cancellationToken)
    {
        await using var shared = await databases.Shared.OpenConnectionAsync(cancellationToken);
        // Only standbys count. A client that decodes logically reports a position as well, and has a logical slot.
        var (lag, active) = await shared.QuerySingleAsync<(long, int)>(
            """
            SELECT (SELECT coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), r.replay_lsn)), 0)::bigint
                    FROM pg_stat_replication r
                    WHERE NOT EXISTS (SELECT FROM pg_replication_slots s
                                      WHERE s.active_pid = r.pid AND s.slot_type = 'logical')),
                   (SELECT count(*)::int FROM pg_stat_activity
                    WHERE backend_type = 'client backend' AND state = 'active' AND pid <> pg_backend_pid()
                      AND application_name <> @ApplicationName)
            """,
            new { databases.ApplicationName },
            cancellationToken
        );
        var stress =
            limits.MaxReplicaLag > 0 && lag > limits.MaxReplicaLag
                ? ThrottleMessages.ReplicaLags(lag, limits.MaxReplicaLag)
            : limits.MaxActiveSessions > 0 && active > limits.MaxActiveSessions
                ? ThrottleMessages.SessionsActive(active, limits.MaxActiveSessions)
            : null;
        PauseOrResume(stress);
    }

    void PauseOrResume(string? stress)
    {
        if (stress is not null && pause is null)
        {
            pause = new(TaskCreationOptions.RunContinuationsAsynchronously);
            progress.Warn(stress);
            progress.Waits(stress);
        }
        else if (stress is null && pause is { } over)
        {
            pause = null;
            progress.Info(ThrottleMessages.CopyGoesOn);
            progress.Waits(null);
            over.SetResult();
        }
    }

    // To a role that may not see the statistics, an overloaded server looks idle.
    async Task WarnIfStatisticsHiddenAsync(CancellationToken cancellationToken)
    {
        await using var shared = await databases.Shared.OpenConnectionAsync(cancellationToken);
        var (role, sees, standbys) = await shared.QuerySingleAsync<(string, bool, long)>(
            """
            SELECT current_user::text, pg_has_role('pg_read_all_stats', 'USAGE'),
                   (SELECT count(*) FROM pg_stat_replication WHERE state IS NULL)
            """,
            cancellationToken
        );
        if (!sees && (limits.MaxActiveSessions > 0 || standbys > 0))
            progress.Warn(ThrottleMessages.LoadNotSeen(role));
    }
}
