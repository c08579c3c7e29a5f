using Migrator.Model;

namespace Migrator.Messages;

/// <summary>How a run of a promotion ended, or why it did not begin.</summary>
static class PromotionMessages
{
    public static MigratorException AlreadyIsolated(Slug slug) =>
        MigratorException.Refused(
            $"Tenant '{slug}' is isolated already. 'migrator status --tenant-slug={slug}' shows its database; "
                + $"'migrator rollback --tenant-slug={slug}' moves the tenant back."
        );

    /// <param name="holder">The session that holds the tenant's lock; null when it is gone again.</param>
    public static MigratorException Busy(Slug slug, string? holder) =>
        new(
            ExitCode.Busy,
            $"Another run holds tenant '{slug}'{(holder is null ? "" : $": {holder}")}. "
                + $"Wait until that run ends; 'migrator status --tenant-slug={slug}' shows its progress."
        );

    public static MigratorException FlipLost(Slug slug) =>
        new(
            ExitCode.Failed,
            $"The flip of '{slug}' was committed, but the shared server that answers now does not know it: a standby may have "
                + "taken over without it. The isolated database accepts no writes. "
                + $"'migrator status --tenant-slug={slug}' shows where the tenant is."
        );

    public static MigratorException Superseded(Slug slug) =>
        new(
            ExitCode.Busy,
            $"A newer run has taken over tenant '{slug}'; this run stops. "
                + $"'migrator status --tenant-slug={slug}' shows the newer run's progress."
        );

    public static string RoleWithoutPassword(string role, Target target) =>
        $"Role {role} was created on {target.Host}:{target.Port} without a password. "
        + $"Run ALTER ROLE {Sql.Identifier(role)} PASSWORD … there before the application connects.";

    public static string SettingNotCopied(string setting, string why) =>
        $"The database setting {setting} was not copied: {why}.";

    public static MigratorException SchemaChanged(Slug slug, string? what = null) =>
        new(
            ExitCode.Failed,
            $"The shared database's schema has changed since the promotion began{(what is null ? "" : $" ({what})")}. "
                + "The isolated database's schema is out of date. "
                + $"Run 'migrator rollback --tenant-slug={slug} --confirm', then promote again."
        )
        {
            IsFinal = true,
        };

    public static string ExtensionDataLeft(string extension, string why) =>
        $"Extension {extension} has configuration rows that were not copied: {why}. "
        + "Copy them as the owner of its tables, or its jobs have nothing to do in the isolated database.";

    public static SchemaMovedException SchemaMoved(string what) => new(ExitCode.Failed, what);

    public static string SchemaFollowed(string what, IReadOnlyCollection<TableName> copiedAgain) =>
        $"The shared database's schema has changed ({what}). "
        + (
            copiedAgain.Count > 0
                ? $"The promotion copies {string.Join(", ", copiedAgain)} again, and goes on."
                : "The isolated database has the same now, and the promotion goes on."
        );

    public static MigratorException TargetMoved(Slug slug, Target target) =>
        MigratorException.Usage(
            $"The unfinished promotion of '{slug}' goes to {target.Host}:{target.Port}, "
                + "but the settings name another server. "
                + "Correct the settings (--target, TARGET_DB_HOST), "
                + $"or run 'migrator rollback --tenant-slug={slug} --confirm' first."
        );

    public static MigratorException InterruptedAfterFlip(Slug slug, Target target) =>
        new(
            ExitCode.Interrupted,
            $"Interrupted after the flip: '{slug}' HAS MOVED to {target.Database} on {target.Host}:{target.Port}, and "
                + "writes there. "
                + $"'migrator promote --tenant-slug={slug} --confirm' finishes what is left (routing document, checks); "
                + $"'migrator rollback --tenant-slug={slug} --confirm' moves the tenant back."
        );

    public static MigratorException InterruptedAtTheFlip(string verb, Slug slug) =>
        new(
            ExitCode.Interrupted,
            $"Interrupted at the cutover, and the journal cannot be read: whether '{slug}' has moved is not known. "
                + $"'migrator status --tenant-slug={slug}' tells as soon as the shared database answers; "
                + $"'migrator {verb} --tenant-slug={slug} --confirm' goes on from there."
        );

    public static MigratorException Interrupted(string verb, Slug slug) =>
        new(
            ExitCode.Interrupted,
            $"Interrupted. 'migrator {verb} --tenant-slug={slug} --confirm' resumes from here; "
                + $"'migrator status --tenant-slug={slug}' shows the progress."
        );
}
