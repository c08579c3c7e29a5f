using Migrator.Model;

namespace Migrator.Messages;

/// <summary>Why a run waits, and what another terminal has to do with that.</summary>
static class GovernorMessages
{
    public const string GoesOn = "The run goes on.";

    public const string NothingToTune = "Name a limit: --max-rate, --max-replica-lag or --max-active-sessions.";

    public static string ReplicaLags(long lag, long limit) =>
        $"A standby of the shared server is {ByteSize.Show(lag)} behind. "
        + $"The run waits until the lag is below {ByteSize.Show(limit)} (--max-replica-lag; 0 disables the limit).";

    public static string SessionsActive(int active, int limit) =>
        $"{active} sessions are active on the shared server. "
        + $"The run waits until {limit} or fewer are active (--max-active-sessions; 0 disables the limit).";

    public const string QueryHolds = "The run waits while the query of --throttle-query says so.";

    public static string QueryFails(string why) =>
        $"The run waits, because the query of --throttle-query fails: {Wording.OneLine(why)}";

    public static string NeitherYesNorNo(string type) =>
        $"it returns a value of type {type}, and not a number or a boolean.";

    public static MigratorException QueryUnusable(string why) =>
        MigratorException.Usage(
            $"The query of --throttle-query cannot be used: {Wording.OneLine(why)} Nothing was changed. "
                + "Give one that returns a number or a boolean, as in "
                + "\"SELECT count(*) > 20 FROM pg_stat_activity WHERE state = 'active'\"."
        );

    public static string LoadNotSeen(string role) =>
        $"Role {role} may not see other roles' sessions on the shared server, "
        + "so the run may not notice that the server is overloaded. "
        + $"Run GRANT pg_read_all_stats TO {Sql.Identifier(role)}.";

    public static string Paused(Slug slug, string by) =>
        $"{by} has paused the run. 'migrator resume --tenant-slug={slug}' lets it go on.";

    public static string Resumed(string by) => $"{by} lets the run go on.";

    public static string Tuned(string by) => $"{by} has changed the limits of the run.";

    public static MigratorException NoRun(Slug slug, string verb) =>
        MigratorException.Refused(
            $"'{verb}' tells the run that is at work on '{slug}', and there is none. Nothing was changed. "
                + $"'migrator status --tenant-slug={slug}' shows where the tenant is."
        );

    public static MigratorException WritesWait(Slug slug) =>
        MigratorException.Refused(
            $"The writes of '{slug}' are refused until its rows have been copied; a pause would lengthen that. "
                + $"Nothing was changed. 'migrator tune --tenant-slug={slug} --max-rate=5MB' slows a copy down."
        );

    public static MigratorException NoAnswer(Slug slug, string verb) =>
        new(
            ExitCode.Failed,
            $"The run that is at work on '{slug}' has not answered to '{verb}' yet, and may still obey. "
                + $"'migrator status --tenant-slug={slug}' shows what it does."
        );
}
