using Migrator.Model;

namespace Migrator.Messages;

/// <summary>What differs between the two sides.</summary>
static class VerificationMessages
{
    public static MigratorException Different(
        Slug slug,
        IReadOnlyList<(TableName Table, long Shared, long Isolated)> tables,
        IReadOnlyList<string> rows,
        bool flipped = false
    )
    {
        var where = tables.Select(table =>
            $"{table.Table} ({table.Shared:N0} rows shared, {table.Isolated:N0} isolated)"
        );
        return new(
            ExitCode.Different,
            $"The two sides of '{slug}' differ{(tables.Count == 0 ? "" : " in ")}{string.Join(", ", where)}:\n"
                + string.Join("\n", rows.Select(row => $"  • {row}"))
                + (
                    flipped
                        ? "\nThe tenant is flipped: its writes since the flip are in the isolated database only. "
                            + $"The shared database holds its rows as they were at the flip. {SettleByHand(slug)}"
                        : "\nNothing was flipped. Find out which session wrote there. "
                            + $"'migrator rollback --tenant-slug={slug} --confirm' removes the copy; "
                            + $"'migrator promote --tenant-slug={slug} --confirm' then copies again."
                )
        );
    }

    public static MigratorException DifferedAtFlip(Slug slug, IEnumerable<string> tables) =>
        new(
            ExitCode.Different,
            $"At the flip of '{slug}' the two sides differed in {string.Join(", ", tables)}. {SettleByHand(slug)}"
        );

    static string SettleByHand(Slug slug) =>
        "Find out which session wrote there, and correct the rows in the isolated database: "
        + "a rollback copies those rows back. "
        + $"Then run 'migrator finalize --tenant-slug={slug} --force', or roll back.";

    public static MigratorException NothingToVerify(Slug slug) =>
        MigratorException.Refused(
            $"There is no promotion of '{slug}' whose sides could be compared. "
                + $"Promote the tenant first with 'migrator promote --tenant-slug={slug} --confirm'."
        );

    public static MigratorException NothingCopied(Slug slug) =>
        MigratorException.Refused(
            $"The rows of '{slug}' are not copied yet, so there is nothing to compare. "
                + $"'migrator promote --tenant-slug={slug} --confirm' copies them and compares every row before the flip."
        );

    public static MigratorException Finalized(Slug slug) =>
        MigratorException.Refused(
            $"Finalize has deleted the shared rows of '{slug}', so there is nothing to compare with. "
                + $"'migrator status --tenant-slug={slug}' shows where the tenant is."
        );

    public static MigratorException VerifiesItself(Slug slug) =>
        MigratorException.Refused(
            $"The online promotion of '{slug}' is under way, and its copy is a moment behind. "
                + $"'migrator promote --tenant-slug={slug}' compares every row at one consistent point before the flip."
        );

    public static MigratorException SharedCopyChanged(Slug slug, IEnumerable<TableName> tables) =>
        new(
            ExitCode.Different,
            $"The shared copy of '{slug}' has changed since it was verified, in {string.Join(", ", tables)}. "
                + "A session has bypassed the write guard (as a superuser?). "
                + "Find out which one before you roll back or finalize."
        );

    public static string RollbackBegan(Slug slug) =>
        $"A rollback of '{slug}' has begun since the flip and may have written shared rows, so they are not compared with those "
        + "of the flip. Finalize compares them with the isolated database's.";

    public static MigratorException CountChanged(TableName table, long then, long now) =>
        new(
            ExitCode.Different,
            $"{table} had {then:N0} rows in the isolated database at verification and has {now:N0} now. "
                + "Find out which session writes there, then roll back and promote again."
        );

    public static MigratorException ValidationFailed(Slug slug, IReadOnlyList<Check> failed) =>
        new(
            failed.Any(check => check.Area == "data integrity") ? ExitCode.Different : ExitCode.Failed,
            $"'{slug}' is isolated, but validation found faults: "
                + $"{string.Join("; ", failed.Select(check => $"{check.Area}, {check.Name}: {check.Detail}"))}. "
                + $"Fix them and run 'migrator promote --tenant-slug={slug} --confirm' to validate again, "
                + $"or 'migrator rollback --tenant-slug={slug} --confirm'."
        );

    public static string NotVouchedFor(Slug slug, IReadOnlyList<string> tables) =>
        $"Nothing proves any more that the shared rows of '{slug}' in {string.Join(", ", tables)} are those that were flipped: "
        + "the run that flipped has ended, and the isolated database has other rows by now. "
        + $"Compare with 'migrator verify --tenant-slug={slug}'; finalize deletes them with --force only.";

    /// <param name="missing">How many rows were removed in the shared database and are not in the copy.</param>
    public static MigratorException KeylessDiffer(Slug slug, TableName table, long missing) =>
        new(
            ExitCode.Different,
            $"{missing:N0} rows of {table}, which has no key, were removed and were not in the copy. "
                + $"Nothing was flipped. Roll back with 'migrator rollback --tenant-slug={slug} --confirm' and promote again."
        );

    /// <param name="touched">Rows that changes have touched since.</param>
    public static string ComparesOn(int compared, int ranges, int touched) =>
        $"An earlier run has compared {compared:N0} of {ranges:N0} key ranges. "
        + $"The rest follows, and again {touched:N0} rows that have changed since.";

    public static string CannotBeDivided(TableName table, TimeSpan limit) =>
        $"{table} cannot be compared within --max-snapshot ({limit.TotalSeconds:0.#} s), and not in parts either: "
        + "its comparison holds a snapshot of the shared server for longer, which keeps VACUUM from removing dead rows there.";
}
