using Migrator.Model;

namespace Migrator.Messages;

/// <summary>Why the copy waits.</summary>
static class ThrottleMessages
{
    public static string ReplicaLags(long lag, long limit) =>
        $"A standby of the shared server is {ByteSize.Show(lag)} behind. "
        + $"The copy waits until the lag is below {ByteSize.Show(limit)} (--max-replica-lag; 0 disables the limit).";

    public static string SessionsActive(int active, int limit) =>
        $"{active} sessions are active on the shared server. "
        + $"The copy waits until {limit} or fewer are active (--max-active-sessions; 0 disables the limit).";

    public const string CopyGoesOn = "The copy resumes.";

    public static string LoadNotSeen(string role) =>
        $"Role {role} may not see other roles' sessions on the shared server, "
        + "so the copy may not notice that the server is overloaded. "
        + $"Run GRANT pg_read_all_stats TO {Sql.Identifier(role)}.";
}
