using Migrator.Model;
using Npgsql;

namespace Migrator.Messages;

/// <summary>Why the copy waits.</summary>
static class ThrottleMessages
{
    public static string ReplicaLags(long lag, long limit) =>
        $"A standby of the shared server is {ByteSize.Show(lag)} behind; the copy waits until it is less than {ByteSize.Show(limit)} (--max-replica-lag, 0 for never).";

    public static string SessionsActive(int active, int limit) =>
        $"{active} sessions are active on the shared server; the copy waits until it is {limit} or fewer (--max-active-sessions, 0 for never).";

    public const string CopyGoesOn = "The copy goes on.";

    public static string LoadNotSeen(string role) =>
        $"Role {role} does not see what other roles do on the shared server, so the copy may not notice that it is under stress: GRANT pg_read_all_stats TO {Sql.Identifier(role)}.";
}
