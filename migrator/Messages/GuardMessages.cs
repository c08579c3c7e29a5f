using Migrator.Model;
using Npgsql;

namespace Migrator.Messages;

/// <summary>What the write guard waits for, and how it stands.</summary>
static class GuardMessages
{
    public static MigratorException GuardCannotClose(Slug slug, TimeSpan timeout, IReadOnlyList<string> holders) =>
        new(
            ExitCode.Failed,
            $"Transactions of tenant '{slug}' stay open longer than {timeout.TotalSeconds:0.#} s, so its writes go on where they are: {Wording.Or(string.Join("; ", holders), "they have just ended")}. "
                + "End them, or allow a longer --max-pause, and run the same command again."
        );

    public static string GuardRetries(TimeSpan timeout, int attempt, int attempts, IReadOnlyList<string> holders) =>
        $"The guard did not close within {timeout.TotalSeconds:0.#} s (attempt {attempt} of {attempts}); the tenant's writes go on. Waiting for: {Wording.Or(string.Join("; ", holders), "nobody any more")}.";

    public static string GuardLeftClosed(Slug slug) =>
        $"The write guard may still be closed for '{slug}': its writes fail until 'migrator promote' goes on or 'migrator rollback --tenant-slug={slug} --confirm' opens it.";

    public static string GuardOpened(Slug slug) => $"The write guard is open: '{slug}' goes on in the shared database.";
}
