using Migrator.Connections;
using Migrator.Messages;
using Npgsql;

namespace Migrator.Governing;

/// <summary>How busy the shared server and its standbys are.</summary>
static class ServerLoad
{
    /// <summary>Why a run has to wait, as a sentence; null if it need not.</summary>
    /// <param name="ours">The application_name of our own sessions.</param>
    public static async Task<string?> StressAsync(
        NpgsqlConnection shared,
        string ours,
        long maxReplicaLag,
        int maxActiveSessions,
        CancellationToken cancellationToken
    )
    {
        // Only standbys count. A client that decodes logically reports a position as well, and has a logical slot.
        var (lag, active) = await shared.QuerySingleAsync<(long, int)>(
            """
            SELECT (SELECT coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), r.replay_lsn)), 0)::bigint
                    FROM pg_stat_replication r
                    WHERE NOT EXISTS (SELECT FROM pg_replication_slots s
                                      WHERE s.active_pid = r.pid AND s.slot_type = 'logical')),
                   (SELECT count(*)::int FROM pg_stat_activity
                    WHERE backend_type = 'client backend' AND state = 'active' AND pid <> pg_backend_pid()
                      AND application_name <> @ours)
            """,
            new { ours },
            cancellationToken
        );
        return maxReplicaLag > 0 && lag > maxReplicaLag ? GovernorMessages.ReplicaLags(lag, maxReplicaLag)
            : maxActiveSessions > 0 && active > maxActiveSessions
                ? GovernorMessages.SessionsActive(active, maxActiveSessions)
            : null;
    }

    /// <summary>A warning where an overloaded server would look idle: our role may not see the statistics.</summary>
    public static async Task<string?> BlindnessAsync(
        NpgsqlConnection shared,
        int maxActiveSessions,
        CancellationToken cancellationToken
    )
    {
        var (role, sees, standbys) = await shared.QuerySingleAsync<(string, bool, long)>(
            """
            SELECT current_user::text, pg_has_role('pg_read_all_stats', 'USAGE'),
                   (SELECT count(*) FROM pg_stat_replication WHERE state IS NULL)
            """,
            cancellationToken
        );
        return !sees && (maxActiveSessions > 0 || standbys > 0) ? GovernorMessages.LoadNotSeen(role) : null;
    }
}
