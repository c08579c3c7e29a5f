using Migrator.Model;
using Migrator.Reporting;
using Migrator.Terminal;

namespace Migrator.Commands;

/// <summary>What the run at work may load the servers with, as a line of <c>status</c>.</summary>
static class LoadRows
{
    /// <summary>Null where nothing is limited and nobody has said anything.</summary>
    public static string? Of(LoadSection load)
    {
        string[] limits =
        [
            .. load.Paused ? (string[])["paused"] : [],
            .. load.MaxRate > 0 ? (string[])[$"copies {ByteSize.Show(load.MaxRate)} a second"] : [],
            .. load.MaxReplicaLag switch
            {
                null => (string[])[],
                0 => ["waits for no standby"],
                { } lag => [$"waits for a standby {ByteSize.Show(lag)} behind"],
            },
            .. load.MaxActiveSessions > 0 ? (string[])[$"waits above {load.MaxActiveSessions} active sessions"] : [],
        ];
        var said = load is { ChangedBy: { } by, ChangedAt: { } at }
            ? $" (changed by {by}, {TimeConverter.Show(at)})"
            : "";
        return limits.Length == 0 && said.Length == 0
            ? null
            : (limits.Length == 0 ? "none" : string.Join(", ", limits)) + said;
    }
}
