using Migrator.Model;
using Npgsql;

namespace Migrator.Messages;

/// <summary>Why a rollback or a finalize stops.</summary>
static class RollbackMessages
{
    public static MigratorException RollbackUnderWay(Slug slug) =>
        MigratorException.Usage(
            $"A rollback of '{slug}' is under way. "
                + $"Finish the rollback with 'migrator rollback --tenant-slug={slug} --confirm'."
        );

    public static string IsBack(Slug slug, string host, int port, bool dropped) =>
        $"'{slug}' is in the shared database. Database {slug.DatabaseName} on {host}:{port} "
        + (dropped ? "is dropped." : "is no longer used; where it still exists, rollback --drop-isolated drops it.");

    public static MigratorException InterruptedAfterFlip(Slug slug) =>
        new(
            ExitCode.Interrupted,
            $"Interrupted after the flip back: '{slug}' IS BACK in the shared database, and writes there. "
                + $"'migrator rollback --tenant-slug={slug} --confirm' finishes what is left."
        );

    public static string ComparesInstead(string why) =>
        $"Reverse replication failed: {why} "
        + "The rollback compares all rows instead, and pauses the tenant's writes meanwhile.";

    public static MigratorException CannotDrop(Slug slug, IReadOnlyList<string> sessions, Exception e) =>
        new(
            ExitCode.Failed,
            $"Database {slug.DatabaseName} was not dropped: sessions or transactions that the migrator may not end use it "
                + $"({Wording.Or(string.Join(", ", sessions), "none any more")}). "
                + "End them and run the same command again.",
            e
        );

    public static MigratorException NothingToRollBack(Slug slug) =>
        MigratorException.Refused(
            $"There is no promotion of '{slug}' to roll back. 'migrator status --tenant-slug={slug}' shows its state."
        );

    public static MigratorException CannotComeHome(Slug slug, string where, PostgresException? e = null)
    {
        var why = e is null
            ? "they still differ after every attempt; a trigger or a cascade in the shared database changes them."
            : $"{ServerErrors.Text(e)} ({ServerErrors.Object(e)}; --verbose shows the row).";
        return new(
            ExitCode.Different,
            $"Rows of '{slug}' in {where} cannot be copied back: {why} The tenant stays in its isolated database. "
                + $"Correct the rows there, then run 'migrator rollback --tenant-slug={slug} --confirm' again.",
            e
        );
    }

    public static MigratorException KeylessDiffer(Slug slug, TableName table, long missing) =>
        new(
            ExitCode.Different,
            $"{missing:N0} rows of {table}, which has no key, were removed in the isolated database of '{slug}' and are not in "
                + "the shared one. The tenant stays in its isolated database. "
                + $"Run 'migrator rollback --tenant-slug={slug} --confirm' again: the rollback compares all rows of {table} anew."
        );

    public static MigratorException IsolatedGone(Slug slug, Target target) =>
        new(
            ExitCode.Failed,
            $"Database {target.Database} does not exist on {target.Host}:{target.Port}, "
                + $"where the journal says that the rows of '{slug}' are. "
                + "Restore the database, or correct the settings, and run the same command again."
        );

    public static MigratorException NotFlipped(Slug slug) =>
        MigratorException.Refused(
            $"'{slug}' is not isolated, so there is nothing to finalize. "
                + $"Promote the tenant first with 'migrator promote --tenant-slug={slug} --confirm'."
        );

    public static MigratorException NotFinalized(Slug slug) =>
        MigratorException.Refused(
            $"'{slug}' is not finalized, so there is nothing to forget. "
                + $"'migrator status --tenant-slug={slug}' shows where the tenant is."
        );

    public static MigratorException NotTheRecordedRows(Slug slug, IReadOnlyList<string> tables) =>
        new(
            ExitCode.Different,
            $"The rows of '{slug}' in the shared database are not the rows that were verified: "
                + $"{string.Join("; ", tables)}. Nothing was deleted. "
                + $"Compare with 'migrator verify --tenant-slug={slug}'; finalize with --force deletes them anyway."
        );

    public static string NotDisposable(Slug slug, string database) =>
        $"Database {database} does not have the mark of this promotion of '{slug}'. "
        + "The database is neither emptied nor dropped. "
        + $"Inspect its rows; 'migrator status --tenant-slug={slug}' shows the promotion.";

    public static MigratorException ReferredByOthers(
        Slug slug,
        TableName table,
        string constraint,
        TableName referred,
        IReadOnlyList<string> samples
    ) =>
        new(
            ExitCode.Failed,
            $"Rows of {table} that are not those of '{slug}' refer to its rows in {referred} (constraint {constraint}), "
                + $"such as {Wording.Foreign(string.Join("; ", samples))}. Deleting the tenant's rows would take or change them. "
                + "What was not deleted stays. Correct those rows, then run "
                + $"'migrator finalize --tenant-slug={slug} --confirm' again."
        );

    public static MigratorException RowsLeft(Slug slug, IReadOnlyList<string> tables) =>
        new(
            ExitCode.Different,
            $"Rows of '{slug}' are still in the shared database after the delete: {string.Join(", ", tables)}. "
                + "A rule or a trigger of the application keeps them. Delete them by hand, then run "
                + $"'migrator finalize --tenant-slug={slug} --confirm' again."
        );

    public static MigratorException DeletedOther(Slug slug, long deleted, long recorded) =>
        new(
            ExitCode.Different,
            $"Finalize deleted {deleted:N0} rows of '{slug}' and {recorded:N0} were recorded at the flip. "
                + "No row is left. Rows may have been deleted by others before; compare with a backup, then run "
                + $"'migrator finalize --tenant-slug={slug} --confirm --force'."
        );

    public static MigratorException IsolatedNotOurs(Slug slug, Target target) =>
        new(
            ExitCode.Different,
            $"Database {target.Database} on {target.Host}:{target.Port} does not bear the mark of this promotion of "
                + $"'{slug}': it may have been restored or replaced. Nothing was deleted. "
                + $"Look at what it holds; 'migrator verify --tenant-slug={slug}' compares both sides."
        );

    public static MigratorException IsolatedLacksRows(Slug slug, IReadOnlyList<string> tables) =>
        new(
            ExitCode.Different,
            $"The isolated database of '{slug}' lacks rows that it had at the flip: {string.Join("; ", tables)}. "
                + "Nothing was deleted. If the tenant has deleted all of them since, run "
                + $"'migrator finalize --tenant-slug={slug} --confirm --force'; if not, restore them first."
        );

    public static string RowsFewer(TableName table, long recorded, long rows) =>
        $"{table} has {rows:N0} rows in the isolated database and had {recorded:N0} at the flip: the tenant has deleted some since.";

    public static string Strays(TableName table, long rows, IReadOnlyList<string> samples)
    {
        var such = samples.Count == 0 ? "" : $", such as {Wording.Foreign(string.Join("; ", samples))}";
        return $"{table} ({rows:N0} {(rows == 1 ? "row" : "rows")}{such})";
    }

    public static MigratorException StrayRows(Tenant tenant, IReadOnlyList<string> tables) =>
        new(
            ExitCode.Different,
            $"The isolated database has rows that do not belong to '{tenant.Slug}' by the shared database's rule: "
                + $"{string.Join(", ", tables)}. Nothing was changed. "
                + $"Give those rows the tenant (its key is {tenant.Key}), or delete them in {tenant.Slug.DatabaseName}, "
                + $"then run 'migrator rollback --tenant-slug={tenant.Slug} --confirm' again."
        );

    public static MigratorException RowsBelowOthers(Slug slug, TableName table, IReadOnlyList<string> samples) =>
        new(
            ExitCode.Different,
            $"Rows of {table} in the isolated database of '{slug}' would be other tenants' in the shared one, where what they name "
                + $"is another's: {Wording.Foreign(string.Join("; ", samples))}. None of them was copied back. "
                + $"Correct or delete those rows in {slug.DatabaseName}, then run 'migrator rollback --tenant-slug={slug} --confirm' again."
        );

    public static MigratorException SchemasMovedApart(Slug slug, IReadOnlyList<string> differences) =>
        new(
            ExitCode.Different,
            $"The schemas of '{slug}' in the shared and in the isolated database have moved apart: "
                + $"{string.Join("; ", differences)}. Nothing was changed. "
                + "Run the same migration in the other database (and move or delete rows that have no place there), "
                + $"then run 'migrator rollback --tenant-slug={slug} --confirm' again."
        );

    public static string ReferenceRowsDiffer(TableName table, string rows, IReadOnlyList<string> samples) =>
        $"Reference table {table} has changed in the isolated database since the flip, and differs from the shared one in {rows} rows: "
        + $"{Wording.Foreign(string.Join("; ", samples))}. The shared rows stay as they are; only new rows that the tenant's rows refer to "
        + "come along. Make the other changes in the shared database by hand if they are to stay.";

    public static string SharedOnly(IReadOnlyList<string> additions) =>
        $"In the shared database only: {string.Join(", ", additions)}. "
        + "The isolated database has no values for them: the rows that come back get the defaults there.";

    public static MigratorException SharedRowsWritten(Slug slug, IReadOnlyList<string> tables) =>
        new(
            ExitCode.Different,
            $"The rows of '{slug}' in the shared database are not the rows of the flip: {string.Join("; ", tables)}. "
                + "A session has bypassed the write guard, and a rollback would overwrite what that session wrote. "
                + $"Nothing was changed. Compare with 'migrator verify --tenant-slug={slug}', and write in the isolated "
                + $"database what is to stay. Then run 'migrator rollback --tenant-slug={slug} --confirm --force'."
        );

    public static string SharedRowsReplaced(Slug slug, IReadOnlyList<string> tables) =>
        $"The rows of '{slug}' in the shared database are not proven to be those of the flip: "
        + $"{string.Join("; ", tables)}. The rollback replaces them with the rows of the isolated database.";
}
