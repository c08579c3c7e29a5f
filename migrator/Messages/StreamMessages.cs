using Migrator.Model;
using Npgsql;

namespace Migrator.Messages;

/// <summary>What is wrong with a change stream, its slot or its publication.</summary>
static class StreamMessages
{
    public static MigratorException PublicationWouldRefuseWrites(TableName table, PostgresException e) =>
        new(
            ExitCode.Refused,
            $"As part of a publication {table} would refuse writes of the application: {e.MessageText}. Give it a fitting REPLICA IDENTITY (the primary key), or promote with --mode fenced.",
            e
        );

    public static string CatchingUp(long changes, TimeSpan behind) =>
        $"{changes:N0} changes applied; the last round took {behind.TotalSeconds:0.0} s.";

    public static MigratorException CannotCatchUp(Slug slug) =>
        new(
            ExitCode.Failed,
            $"'{slug}' changes faster than its changes can be applied. The stream goes on where it is: run the same command again at a quieter time, or with --mode fenced after a rollback."
        );

    public static StreamLostException CannotFollowHome(Slug slug, Exception? e = null) =>
        new(
            ExitCode.Failed,
            $"The changes of '{slug}' come home more slowly than new ones are made: others hold the tables of the shared database for too long.",
            e
        );

    public static string NoWayBackByStream(Target target) =>
        $"The isolated database's server ({target.Host}:{target.Port}) has no wal_level=logical: a rollback will compare all rows instead of following a stream, and pause the tenant's writes meanwhile.";

    public static MigratorException SlotWaits(IReadOnlyList<string> holders, Exception? e) =>
        new(
            ExitCode.Failed,
            $"A replication slot begins when all open transactions of its server have ended, and these do not: {Wording.Or(string.Join("; ", holders), "they have just ended")}. End them and run the same command again.",
            e
        )
        {
            Transient = true,
        };

    public static MigratorException SlotInUse(string name) =>
        new(
            ExitCode.Failed,
            $"Somebody else keeps reading from the replication slot {name}. End that session (pg_replication_slots.active_pid) and run the same command again."
        );

    public static MigratorException ReplicationRefused(PostgresException e) =>
        new(
            ExitCode.Failed,
            $"The server refuses a replication connection: {e.MessageText}. The role needs REPLICATION (on Cloud SQL: ALTER ROLE … REPLICATION), the server a free wal sender. Then run the same command again.",
            e
        )
        {
            Transient = e.IsTransient || e.SqlState == PostgresErrorCodes.TooManyConnections,
        };

    public static StreamLostException SlotLost(Slug slug, Exception? e = null) =>
        new(
            ExitCode.Failed,
            $"The replication slot of '{slug}' is gone, or its log was removed (max_slot_wal_keep_size): changes are missing, so the copy is given up. The tenant goes on where it is. "
                + $"Raise max_slot_wal_keep_size, or promote at a quieter time; 'migrator promote --tenant-slug={slug} --confirm' copies anew.",
            e
        );

    public static StreamLostException TooMuchLog(Slug slug, long held, long limit) =>
        new(
            ExitCode.Failed,
            $"The replication slot of '{slug}' held {held / 1e6:N0} MB of write-ahead log on the source, more than --max-wal allows ({limit / 1e6:N0} MB), and was dropped so that the disk does not fill. "
                + $"The tenant goes on where it is. Allow more, or promote at a quieter time; 'migrator promote --tenant-slug={slug} --confirm' copies anew."
        );

    public static string MuchLog(long held, long limit) =>
        $"The replication slot holds {held / 1e6:N0} MB of write-ahead log on the shared server, half of what --max-wal allows ({limit / 1e6:N0} MB).";

    public static string CopiesAnew(Slug slug) => $"The change stream of '{slug}' broke off: its rows are copied anew.";

    public static StreamLostException StreamDiverged(Slug slug, string what, Exception? e = null) =>
        new(ExitCode.Different, $"A change of '{slug}' does not fit the rows in the shared database: {what}", e);

    public static string SlotInvalid(Slug slug, string slot, string database, bool lost, long walHeld, bool flipped) =>
        lost
            ? $"Slot {slot} in {database} is lost: the server has removed WAL that it needs. "
                + (
                    flipped
                        ? $"A rollback compares all rows instead; 'migrator rollback --tenant-slug={slug} --confirm' loses nothing, or finalize."
                        : $"Run 'migrator rollback --tenant-slug={slug} --confirm', raise max_slot_wal_keep_size, then promote again."
                )
            : $"Slot {slot} in {database} is about to be lost: it holds {ByteSize.Show(walHeld)} of WAL, more than the server guarantees to keep. "
                + $"Raise max_slot_wal_keep_size, or go on at once with what 'migrator status --tenant-slug={slug}' names.";

    public static string MuchWalHeld(string slot, string database, long walHeld) =>
        $"Slot {slot} makes the server of {database} keep {ByteSize.Show(walHeld)} of WAL. Finish the promotion or roll it back before the disk is full.";

    public static string SlotLeftBehind(string slot, string database, long walHeld) =>
        $"Slot {slot} was left behind in {database} and holds {ByteSize.Show(walHeld)} of WAL. 'migrator doctor --fix --confirm' removes it.";

    public static string PublicationLeftBehind(string publication) =>
        $"Publication {publication} was left behind. 'migrator doctor --fix --confirm' removes it.";

    public static string SlotNotSeen(Target target, Exception e) =>
        $"{target.Host}:{target.Port} could not be asked for the stream's slot: {Wording.Chain(e)}. Check host, port and network.";

    public static string LongUnderWay(Slug slug, TimeSpan age) =>
        $"The promotion has been under way for {age.TotalDays:0.#} days. Finish it with 'migrator promote --tenant-slug={slug} --confirm', or roll it back.";
}
