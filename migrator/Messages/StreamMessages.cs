using Migrator.Model;
using Npgsql;

namespace Migrator.Messages;

/// <summary>What is wrong with a change stream, its slot or its publication.</summary>
static class StreamMessages
{
    public static MigratorException PublicationWouldRefuseWrites(TableName table, PostgresException e) =>
        new(
            ExitCode.Refused,
            $"In a publication, {table} would refuse the application's writes: {e.MessageText}. "
                + "Set a fitting REPLICA IDENTITY (the primary key), or use --mode fenced.",
            e
        );

    public static MigratorException PublicationOfAnother(string name, string owner) =>
        new(
            ExitCode.Refused,
            $"The publication {name} belongs to {owner}, and the promotion needs one of that name. "
                + "Have its owner or a superuser drop it, or use --mode fenced."
        );

    public static string CatchingUp(long changes, TimeSpan behind) =>
        $"{changes:N0} changes applied. The last round took {behind.TotalSeconds:0.0} s.";

    public static MigratorException CannotCatchUp(Slug slug) =>
        new(
            ExitCode.Failed,
            $"'{slug}' changes faster than the migrator applies the changes. The stream keeps its position. "
                + $"Run 'migrator promote --tenant-slug={slug} --confirm' again at a quieter time, "
                + $"or 'migrator rollback --tenant-slug={slug} --confirm' and then promote with --mode fenced."
        );

    public static StreamLostException CannotCatchUpHome(Slug slug) =>
        new(
            ExitCode.Failed,
            $"'{slug}' changes faster than reverse replication applies the changes in the shared database."
        );

    public static StreamLostException HomeIsLocked(Slug slug, Exception e) =>
        new(
            ExitCode.Failed,
            $"Reverse replication of '{slug}' cannot keep up: other sessions hold locks on the shared tables too long.",
            e
        );

    public static string NoWayBackByStream(Target target) =>
        $"The isolated database's server ({target.Host}:{target.Port}) does not have wal_level=logical. "
        + "A rollback will compare all rows instead of using a reverse stream, "
        + "and pause the tenant's writes meanwhile. "
        + "Set wal_level=logical there before the promotion to avoid that pause.";

    public static MigratorException SlotWaits(IReadOnlyList<string> holders, Exception? e) =>
        new(
            ExitCode.Failed,
            "A new replication slot waits until all open transactions of the server have ended. Open transactions: "
                + $"{Wording.Or(string.Join("; ", holders), "none any more")}. "
                + "End them and run the same command again.",
            e
        )
        {
            Transient = true,
        };

    public static MigratorException SlotInUse(string name) =>
        new(
            ExitCode.Failed,
            $"Another session keeps reading from replication slot {name}. "
                + "End that session (pg_replication_slots.active_pid) and run the same command again."
        );

    public static MigratorException ReplicationRefused(PostgresException e) =>
        ServerMessages.IsPooler(e)
            ? ServerMessages.PoolerRefuses(e)
            : new(
                ExitCode.Failed,
                $"The server refuses a replication connection: {e.MessageText}. "
                    + "The role needs REPLICATION (on Cloud SQL: ALTER ROLE … REPLICATION), "
                    + "and the server a free WAL sender (max_wal_senders). Then run the same command again.",
                e
            )
            {
                Transient = e.IsTransient || e.SqlState == PostgresErrorCodes.TooManyConnections,
            };

    public static StreamLostException SlotLost(Slug slug, Exception? e = null) =>
        new(
            ExitCode.Failed,
            $"The replication slot of '{slug}' is gone, or the server has removed WAL that the slot needs "
                + "(max_slot_wal_keep_size). Changes are missing, so the copy is discarded. "
                + "The tenant stays in its database and keeps working. "
                + "Raise max_slot_wal_keep_size, or promote at a quieter time; "
                + $"'migrator promote --tenant-slug={slug} --confirm' copies again.",
            e
        );

    public static StreamLostException ReverseSlotLost(Slug slug, Exception e) =>
        new(
            ExitCode.Failed,
            $"The reverse slot of '{slug}' is gone, or the isolated database's server has removed WAL that the slot needs "
                + "(max_slot_wal_keep_size).",
            e
        );

    public static StreamLostException TooMuchLog(Slug slug, long held, long limit) =>
        new(
            ExitCode.Failed,
            $"The replication slot of '{slug}' held {held / 1e6:N0} MB of WAL on the source, "
                + $"more than --max-wal allows ({limit / 1e6:N0} MB). "
                + "The slot was dropped so that the disk does not fill. "
                + "The tenant stays in its database and keeps working. Raise --max-wal, or promote at a quieter time; "
                + $"'migrator promote --tenant-slug={slug} --confirm' copies again."
        );

    public static string MuchLog(long held, long limit) =>
        $"The replication slot holds {held / 1e6:N0} MB of WAL on the shared server, "
        + $"more than half of what --max-wal allows ({limit / 1e6:N0} MB).";

    public static string CopiesAgain(Slug slug) =>
        $"The change stream of '{slug}' was lost. The rows are copied again.";

    public static StreamLostException StreamDiverged(Slug slug, string what, Exception? e = null) =>
        new(ExitCode.Different, $"A change of '{slug}' does not fit the rows in the shared database: {what}", e);

    public static StreamLostException Unreadable(Slug slug, string kind, Exception e) =>
        new(ExitCode.Failed, $"The change stream of '{slug}' holds a {kind} that cannot be read: {e.Message}", e);

    public static string SlotInvalid(Slug slug, string slot, string database, bool lost, long walHeld, bool flipped) =>
        lost
            ? $"Slot {slot} in {database} is lost: the server has removed WAL that the slot needs. "
                + (
                    flipped
                        ? $"A rollback still loses nothing, but compares all rows instead: "
                            + $"'migrator rollback --tenant-slug={slug} --confirm', or finalize."
                        : $"Run 'migrator rollback --tenant-slug={slug} --confirm', "
                            + "raise max_slot_wal_keep_size, then promote again."
                )
            : $"Slot {slot} in {database} is about to be lost: the slot holds {ByteSize.Show(walHeld)} of WAL, "
                + "more than the server guarantees to keep. Raise max_slot_wal_keep_size, "
                + $"or run at once the next step that 'migrator status --tenant-slug={slug}' shows.";

    public static string MuchWalHeld(string slot, string database, long walHeld) =>
        $"Slot {slot} makes the server of {database} keep {ByteSize.Show(walHeld)} of WAL. "
        + "Finish the promotion or roll it back before the disk is full.";

    public static string SlotLeftBehind(string slot, string database, long walHeld) =>
        $"Slot {slot} was left behind in {database} and holds {ByteSize.Show(walHeld)} of WAL. "
        + "'migrator doctor --fix --confirm' removes the slot.";

    public static string PublicationLeftBehind(string publication) =>
        $"Publication {publication} was left behind. 'migrator doctor --fix --confirm' removes it.";

    public static string SlotNotSeen(Target target, Exception e) =>
        $"The stream's slot on {target.Host}:{target.Port} could not be read: {Wording.Chain(e)}. "
        + "Check host, port and network.";

    public static string LongUnderWay(Slug slug, TimeSpan age) =>
        $"The promotion has been under way for {age.TotalDays:0.#} days. "
        + $"Finish it with 'migrator promote --tenant-slug={slug} --confirm', or roll it back.";
}
