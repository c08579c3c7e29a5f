using Migrator.Model;

namespace Migrator.Messages;

/// <summary>What is said of a promotion that holds before its cutover.</summary>
static class HoldMessages
{
    public const string NeedsOnline =
        "A promotion holds in mode online only: in mode fenced the tenant's writes would wait. "
        + "Leave --mode fenced out.";

    public const string TimeAndWindow =
        "--cutover-at and --cutover-window exclude each other. Choose one; 'migrator cutover' works with either.";

    public const string ExpiresNothing = "--hold-expires says what happens after --hold-for. Add --hold-for, as in 8h.";

    public const string DetachedAndFinalized =
        "--detach ends the process before the cutover, and --finalize needs the cutover. Leave one of them out.";

    public const string DetachedAtATime =
        "--detach ends the process, so nothing cuts over at a time by itself. Leave --cutover-at, --cutover-window and "
        + "--hold-for out, and run 'migrator cutover' at that time.";

    public static string TimeUnreadable(string text) =>
        $"'{text}' is not a time with its offset. Write it as 2026-12-01T03:00+01:00 or 2026-12-01T02:00Z.";

    public static string TimePassed(DateTimeOffset time) =>
        $"--cutover-at {Shown(time)} has passed. Name a time that is to come.";

    public static string WindowUnreadable(string text, string fault) =>
        $"--cutover-window \"{text}\" cannot be used: {fault}. Write it as \"Sat,Sun 02:00-04:00 Europe/Berlin\".";

    public static string NeverOpens(DateTimeOffset opening, TimeSpan hold) =>
        $"The hold expires {Shown(hold)} after it began, and the cutover could begin at {Shown(opening)} at the earliest: it "
        + "would never begin. Make --hold-for longer, or leave it out.";

    public static string DurationUnreadable(string text) =>
        $"'{text}' is not a duration of at most 30 days. Write it as 30m, 8h or 3d.";

    public static MigratorException NotHeld(Slug slug, string what) =>
        MigratorException.Refused(
            $"'{slug}' is not held before a cutover: {what}. Nothing was changed. "
                + $"'migrator status --tenant-slug={slug}' shows where the tenant is."
        );

    public static MigratorException NothingToTakeBack(Slug slug) =>
        MigratorException.Refused(
            $"The cutover of '{slug}' cannot be taken back any more: the tenant has moved. Nothing was "
                + $"changed. 'migrator status --tenant-slug={slug}' shows where the tenant is."
        );

    public static MigratorException SlotLost(Slug slug) =>
        MigratorException.Refused(
            $"'{slug}' cannot be cut over: the server has removed WAL that its replication slot needs "
                + "(max_slot_wal_keep_size), so changes are missing in the copy. Nothing was changed. "
                + $"'migrator promote --tenant-slug={slug} --confirm' copies again and holds again."
        );

    /// <param name="option">The option that lets the process end.</param>
    public static MigratorException SlotUnbounded(Slug slug, string option) =>
        MigratorException.Refused(
            $"{option} leaves the replication slot of '{slug}' without a process that watches it, and the shared server would "
                + "keep WAL for it until its disk is full (max_slot_wal_keep_size = -1). Nothing was changed. "
                + $"Set max_slot_wal_keep_size there, or leave {option} out."
        );

    public static MigratorException TakenBack(string slug) =>
        new(ExitCode.Failed, $"The cutover of '{slug}' was taken back ('migrator cutover --cancel').");

    public static StreamLostException Expired(Slug slug, DateTime until) =>
        new(
            ExitCode.Failed,
            $"The hold of '{slug}' has expired ({Shown(until)}, --hold-for). The change stream was given up, so that the "
                + "shared server keeps no WAL for it. The tenant stays in its database and keeps working. "
                + $"'migrator promote --tenant-slug={slug} --confirm' copies again."
        );

    public static MigratorException Failed(Slug slug, string? failure) =>
        new(
            ExitCode.Failed,
            $"'{slug}' was not cut over and holds again: {failure ?? "the cutover was taken back."} "
                + $"'migrator cutover --tenant-slug={slug} --confirm' tries it again."
        );

    public static string Holds(Slug slug) =>
        $"'{slug}' is copied and verified, and holds before the cutover. "
        + $"'migrator cutover --tenant-slug={slug} --confirm' lets it go, from any machine.";

    public static string HoldsAgain(string failure) => $"The promotion holds again: {failure}";

    // .github/scripts/forecast.sh reads the forecast.
    public static string Detached(Slug slug, double? from, double? to) =>
        $"'{slug}' is copied and verified. "
        + (from is null ? "" : $"A cutover now would pause its writes for {from:0} to {to:0} ms. ")
        + "The process ends; the slot keeps the changes. "
        + $"'migrator cutover --tenant-slug={slug} --confirm' catches up, verifies and cuts over.";

    public static string LetGo(Slug slug, string by) => $"'{slug}' was let go by {by}. The cutover begins.";

    public static string Asked(Slug slug) =>
        $"The run that holds '{slug}' was told to cut over. "
        + $"'migrator cutover --tenant-slug={slug} --cancel --confirm' takes that back until the tenant has moved.";

    /// <param name="closes">The end of the window that is open.</param>
    public static string IsTakenBack(Slug slug, DateTimeOffset? closes) =>
        $"'{slug}' goes on holding"
        + (closes is { } end ? $"; no cutover begins in the window that is open until {Shown(end)}." : ".");

    public static string ComparisonWaits(string why) => $"The touched rows were not compared this time: {why}";

    public const string Interrupted = "The run was interrupted during the cutover.";

    public static string Question(Slug slug, bool takesBack) =>
        takesBack ? $"Let tenant {slug} go on holding?" : $"Cut tenant {slug} over now? Its writes pause for a moment.";

    public static string Shown(DateTimeOffset time) =>
        time.ToUniversalTime().ToString("yyyy-MM-dd HH:mm 'UTC'", System.Globalization.CultureInfo.InvariantCulture);

    static string Shown(TimeSpan time) =>
        time.TotalHours >= 1 ? $"{time.TotalHours:0.#} h" : $"{time.TotalMinutes:0.#} min";
}
