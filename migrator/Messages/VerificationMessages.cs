using Migrator.Model;
using Npgsql;

namespace Migrator.Messages;

/// <summary>What differs between the two sides.</summary>
static class VerificationMessages
{
    public static MigratorException Different(
        Slug slug,
        IReadOnlyList<(TableName Table, long Shared, long Isolated)> tables,
        IReadOnlyList<string> rows,
        bool flipped = false
    ) =>
        new(
            ExitCode.Different,
            $"The two sides of '{slug}' differ{(tables.Count == 0 ? "" : " in ")}{string.Join(", ", tables.Select(table => $"{table.Table} ({table.Shared:N0} rows shared, {table.Isolated:N0} isolated)"))}:\n"
                + string.Join("\n", rows.Select(row => $"  • {row}"))
                + (
                    flipped
                        ? $"\nThe tenant is flipped: its writes since then are in the isolated database alone, and these rows as they were at the flip in the shared one. {SettleByHand(slug)}"
                        : $"\nNothing was flipped. Find out who wrote there; 'migrator rollback --tenant-slug={slug} --confirm' clears the copy, 'migrator promote' then copies anew."
                )
        );

    public static MigratorException DifferedAtFlip(Slug slug, IEnumerable<string> tables) =>
        new(
            ExitCode.Different,
            $"At the flip of '{slug}' the two sides differed in {string.Join(", ", tables)}. {SettleByHand(slug)}"
        );

    static string SettleByHand(Slug slug) =>
        $"Find out who wrote there and put the rows right in the isolated database: a rollback brings home what stands there. Then 'migrator finalize --tenant-slug={slug} --force', or the rollback.";

    public static MigratorException NothingToVerify(Slug slug) =>
        MigratorException.Refused(
            $"There is no promotion of '{slug}' whose sides could be compared. Promote it first."
        );

    public static MigratorException VerifiesItself(Slug slug) =>
        MigratorException.Refused(
            $"'{slug}' is being promoted while it works: its copy is a moment behind. 'migrator promote --tenant-slug={slug}' compares every row at one exact point before it flips."
        );

    public static MigratorException SharedCopyChanged(Slug slug, IEnumerable<TableName> tables) =>
        new(
            ExitCode.Different,
            $"The shared copy of '{slug}' has changed since it was verified, in {string.Join(", ", tables)}. "
                + "Somebody passed the write guard there (a superuser?): find out who before you roll back or finalize."
        );

    public static MigratorException CountChanged(TableName table, long then, long now) =>
        new(
            ExitCode.Different,
            $"{table} had {then:N0} rows in the isolated database when it was verified and has {now:N0} now. Somebody writes there: find out who, roll back and promote again."
        );

    public static MigratorException ValidationFailed(Slug slug, IReadOnlyList<Check> failed) =>
        new(
            failed.Any(check => check.Area == "data integrity") ? ExitCode.Different : ExitCode.Failed,
            $"'{slug}' is isolated, but validation found: {string.Join("; ", failed.Select(check => $"{check.Area}, {check.Name}: {check.Detail}"))}. "
                + $"Mend it and run 'migrator promote --tenant-slug={slug} --confirm' to validate again, or 'migrator rollback --tenant-slug={slug} --confirm'."
        );
}
