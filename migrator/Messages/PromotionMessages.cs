using Migrator.Model;
using Npgsql;

namespace Migrator.Messages;

/// <summary>How a run of a promotion ended, or why it did not begin.</summary>
static class PromotionMessages
{
    public static MigratorException AlreadyIsolated(Slug slug) =>
        MigratorException.Refused(
            $"Tenant '{slug}' is isolated already. 'migrator status --tenant-slug={slug}' shows where; 'migrator rollback --tenant-slug={slug}' brings it back."
        );

    public static MigratorException Busy(Slug slug) =>
        new(
            ExitCode.Busy,
            $"Another run holds tenant '{slug}'. Wait until it ends, or look at it with 'migrator status --tenant-slug={slug}'."
        );

    public static MigratorException Superseded(Slug slug) =>
        new(
            ExitCode.Busy,
            $"A newer run has taken tenant '{slug}' over; this one stops. See 'migrator status --tenant-slug={slug}'."
        );

    public static string RoleWithoutPassword(string role, Target target) =>
        $"Role {role} was created on {target.Host}:{target.Port} without a password: set one there (ALTER ROLE {Sql.Identifier(role)} PASSWORD …) before the application connects.";

    public static string SettingNotCopied(string setting, string why) =>
        $"The database setting {setting} was not copied: {why}.";

    public static MigratorException SchemaChanged(Slug slug, string? what = null) =>
        new(
            ExitCode.Failed,
            $"The shared database's schema has changed since the promotion began{(what is null ? "" : $" ({what})")}; the isolated one would be out of date. "
                + $"Run 'migrator rollback --tenant-slug={slug} --confirm', then promote again."
        );

    public static MigratorException TargetMoved(Slug slug, Target target) =>
        MigratorException.Usage(
            $"The promotion of '{slug}' under way goes to {target.Host}:{target.Port}. Point the settings there again, or roll it back first."
        );

    public static MigratorException Interrupted(string verb, Slug slug) =>
        new(
            ExitCode.Interrupted,
            $"Interrupted. 'migrator {verb} --tenant-slug={slug} --confirm' goes on from here; 'migrator status --tenant-slug={slug}' shows where that is."
        );
}
