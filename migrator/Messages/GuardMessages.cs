using Migrator.Model;

namespace Migrator.Messages;

/// <summary>What the write guard waits for, and how it stands.</summary>
static class GuardMessages
{
    public static MigratorException GuardCannotClose(Slug slug, TimeSpan timeout, IReadOnlyList<string> holders) =>
        new(
            ExitCode.Failed,
            $"The write guard of '{slug}' did not close within {timeout.TotalSeconds:0.#} s. "
                + "The tenant's writes resume. "
                + $"Open transactions: {Wording.Or(string.Join("; ", holders), "none any more")}. "
                + "End them, or raise --max-pause, and run the same command again."
        );

    public static MigratorException TriggersLeft(IReadOnlyList<TableName> tables, MigratorException cause) =>
        new(
            cause.Code,
            $"{cause.Message} Left are the write guard's triggers on {Wording.List(tables)}: they answer as before "
                + "until the command has removed them.",
            cause.InnerException
        );

    public static MigratorException TooManyWait(Slug slug, int sessions) =>
        new(
            ExitCode.Failed,
            $"{sessions} sessions of '{slug}' waited for the end of the pause, which is more than --max-waiting allows. "
                + "The tenant's writes resume. Raise --max-waiting, or run the same command again when fewer sessions write."
        );

    public static MigratorException WriterWaits(Slug slug, string writer) =>
        new(
            ExitCode.Failed,
            $"The write guard of '{slug}' could not close: {writer}. The tenant's writes resume. "
                + "Run the same command again when no job writes rows of many tenants in one transaction."
        );

    public static string ManyWaited(int sessions) => $"{sessions} sessions waited for the end of the pause";

    public static string Deadlocked(string writer) => $"The write guard could not close: {writer}";

    public static string NotClosed(TimeSpan timeout) =>
        $"The write guard did not close within {timeout.TotalSeconds:0.#} s";

    public static string NotEnded(TimeSpan timeout) => $"The cutover did not end within {timeout.TotalSeconds:0.#} s";

    public static string GuardRetries(string reason, int attempt, int attempts, IReadOnlyList<string> holders) =>
        $"{reason} (attempt {attempt} of {attempts}); the tenant's writes resume."
        + (holders.Count > 0 ? $" Open transactions: {string.Join("; ", holders)}." : "");

    public static string GuardLeftClosed(Slug slug) =>
        $"The write guard of '{slug}' may still be closed in the isolated database, which the tenant was about to leave. "
        + $"'migrator rollback --tenant-slug={slug} --confirm' opens the guard there, or finds the tenant at home.";

    public static string NotArrived(Slug slug, bool isActive) =>
        $"'{slug}' has moved, but its isolated database accepts no write yet: the tenant's writes fail in both databases until "
        + (
            isActive
                ? "the run that is at work opens it."
                : $"'migrator promote --tenant-slug={slug} --confirm' opens it. Run it at once."
        );

    public static MigratorException WrittenBeforeArrival(Slug slug, Exception cause) =>
        new(
            ExitCode.Failed,
            $"Somebody writes in the isolated database of '{slug}', which the tenant has not moved to: "
                + $"{cause.Message.Split(": ", 2)[^1]}. Nothing was copied over these rows. Find the session that wrote them, "
                + "keep the rows that count, and run the same command again: it empties the database.",
            cause
        );

    public static MigratorException OpenedMeanwhile(Slug slug) =>
        new(ExitCode.Failed, $"The write guard of '{slug}' is not closed any more, so rows may have changed since.")
        {
            Transient = true,
        };

    public static MigratorException TriggersMissing(Slug slug, IReadOnlyList<string> missing) =>
        new(
            ExitCode.Failed,
            $"Triggers of the write guard of '{slug}' were dropped or switched off: {string.Join(", ", missing.Take(5))}"
                + $"{(missing.Count > 5 ? ", …" : "")}. Nothing was flipped. "
                + "Find out who did it, and run the same command again: it installs the triggers anew."
        );

    public static string StillFenced(Slug slug) =>
        $"The fence refuses writes of '{slug}' in the shared database, because the tenant has moved and was finalized. "
        + $"If its rows are here again, 'migrator forget --tenant-slug={slug} --confirm' lets them be written.";

    public static string BeginsAnew(Slug slug) =>
        $"'{slug}' may have written since the earlier run ended. The copy begins anew.";

    public static MigratorException PauseLeftWork(TimeSpan patience) =>
        new(
            ExitCode.Failed,
            "The pause took too long, and the guard is open again, but a server has not answered for another "
                + $"{patience.TotalSeconds:0} s."
        )
        {
            Transient = true,
        };

    public static string GuardOpened(Slug slug) =>
        $"The write guard is open: the writes of '{slug}' go on in the shared database.";
}
