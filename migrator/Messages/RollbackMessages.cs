using Migrator.Model;
using Npgsql;

namespace Migrator.Messages;

/// <summary>Why a rollback or a finalize cannot go on.</summary>
static class RollbackMessages
{
    public static MigratorException RollbackUnderWay(Slug slug) =>
        MigratorException.Usage(
            $"A rollback of '{slug}' is under way. Finish it with 'migrator rollback --tenant-slug={slug} --confirm'."
        );

    public static string ComparesInstead(string why) =>
        $"The stream does not lead home: {why} All rows are compared instead, and the tenant's writes pause meanwhile.";

    public static MigratorException CannotDrop(Slug slug, IReadOnlyList<string> sessions, Exception e) =>
        new(
            ExitCode.Failed,
            $"Database {slug.DatabaseName} is still there, for it has sessions that are not the migrator's to end: {Wording.Or(string.Join(", ", sessions), "none any more")}. End them and run the same command again.",
            e
        );

    public static MigratorException NothingToRollBack(Slug slug) =>
        MigratorException.Refused(
            $"There is no promotion of '{slug}' to roll back. 'migrator status --tenant-slug={slug}' shows its state."
        );

    public static MigratorException CannotComeHome(Slug slug, string where, PostgresException? e = null) =>
        new(
            ExitCode.Different,
            $"Rows of '{slug}' in {where} cannot come home: {(e is null ? "they differ again after every attempt; a trigger or a cascade in the shared database keeps changing them" : $"{e.MessageText} {e.Detail}")} "
                + "The tenant goes on in its isolated database. Correct the rows there, then roll back again.",
            e
        );

    public static MigratorException IsolatedGone(Slug slug, Target target) =>
        new(
            ExitCode.Failed,
            $"Database {target.Database} on {target.Host}:{target.Port} holds the rows of '{slug}' and is not there. Restore it, or point the settings at it, and run the same command again."
        );

    public static MigratorException NotFlipped(Slug slug) =>
        MigratorException.Refused($"'{slug}' is not isolated, so there is nothing to finalize. Promote it first.");

    public static MigratorException NotTheRecordedRows(Slug slug, IReadOnlyList<string> tables) =>
        new(
            ExitCode.Different,
            $"The rows of '{slug}' in the shared database are not those that were verified: {string.Join("; ", tables)}. Nothing was deleted. "
                + $"Compare with 'migrator verify --tenant-slug={slug}'; --force deletes them all the same."
        );

    public static string NotDisposable(Slug slug, string database) =>
        $"Database {database} does not bear the mark of this promotion of '{slug}', so it is neither emptied nor dropped. "
        + $"Look at what it holds; 'migrator status --tenant-slug={slug}' shows the promotion.";
}
