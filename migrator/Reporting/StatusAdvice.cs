using Migrator.Doctor;
using Migrator.Guarding;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Settings;

namespace Migrator.Reporting;

/// <summary>What <c>status</c> recommends, with what the journal knows of the promotion.</summary>
sealed class StatusAdvice(MigratorSettings settings, Tenant tenant, PromotionRecord? record, bool isActive)
{
    /// <summary>The commands that make sense now.</summary>
    public IEnumerable<string> NextSteps(bool hasArrived, HoldSection? hold) =>
        (record, tenant.IsIsolated) switch
        {
            ({ State: PromotionState.RollingBack } or { Stage: PromotionStage.FlippedBack }, _) =>
            [
                Command("rollback", " --confirm"),
            ],
            ({ EndedAt: null }, false) when hold is { Since: not null, GoAt: not null } && isActive =>
            [
                Command("cutover", " --cancel --confirm"),
            ],
            ({ EndedAt: null }, false) when hold is { Since: not null } =>
            [
                Command("cutover", " --confirm"),
                Command("rollback", " --confirm"),
            ],
            ({ EndedAt: null }, false) => [Command("promote", " --confirm" + Mode), Command("rollback", " --confirm")],
            ({ State: PromotionState.Isolated }, true) when !hasArrived =>
            [
                Command("promote", " --confirm" + Mode),
                Command("rollback", " --confirm"),
            ],
            ({ State: PromotionState.Isolated }, true) =>
            [
                Command("verify"),
                Command("rollback", " --confirm"),
                Command("finalize", " --confirm"),
            ],
            ({ State: PromotionState.Finalized }, true) => [Command("routes"), Command("rollback", " --confirm")],
            (_, true) => [Command("routes")],
            _ => [Command("promote", " --dry-run" + Mode), Command("promote", " --confirm" + Mode)],
        };

    string Command(string verb, string options = "") => $"migrator {verb} --tenant-slug={tenant.Slug}{options}{At}";

    string Mode => record is { IsOnline: false } ? $" --mode={record.Mode}" : "";

    // Where the promotion goes, if the settings name another server.
    string At =>
        record is not null
        && (tenant.IsIsolated || record.EndedAt is null)
        && (record.Target.Host, record.Target.Port) != (settings.Target.Host, settings.Target.Port)
            ? $" --target={record.Target.Host}:{record.Target.Port}"
            : "";

    /// <summary>What is wrong with the guard.</summary>
    public IEnumerable<string> Warnings(string? guard)
    {
        if (guard == GuardState.Closed && record is { IsFlipped: false, EndedAt: null })
            yield return !isActive
                ? $"The write guard was closed by a run that is gone: the next write of '{tenant.Slug}' opens the guard."
                : $"The write guard is closed: writes of '{tenant.Slug}' wait or fail until the run that is at work opens it or flips.";
        if (guard is not null && !ExpectedObjects.MayHaveGuard(record))
            yield return $"A write guard of '{tenant.Slug}' was left behind in the shared database. "
                + DoctorMessages.DoctorRemoves;
    }
}
