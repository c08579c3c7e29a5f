using Migrator.Model;

namespace Migrator.Messages;

/// <summary>What the doctor found, and the remedy.</summary>
static class DoctorMessages
{
    public const string NotInUse = "belongs to no promotion under way";

    public const string InUseNow = "A promotion that has begun since then uses it.";

    public const string DoctorRemoves = "'migrator doctor --fix --confirm' removes it.";

    public const string LeftOnTheWayHome =
        "the tenant had left when the rollback ended: the tenant's writes fail in both databases";

    public const string NotArrived =
        "closed although the tenant has moved here and no run is active: the tenant's writes fail in both databases";

    public const string RunDoctorAgain = "Check host, port, login and network, then run 'migrator doctor' again.";

    public const string NothingLeftBehind = "Nothing was left behind.";

    public const string FenceOfNobody = "The fence stands although no tenant has moved.";

    public const string DoctorMends = "'migrator doctor --fix --confirm' installs them anew.";

    public static string TriggersMissing(IReadOnlyList<string> missing) =>
        $"{missing.Count} triggers are missing or switched off, or their tables are new: {Some(missing)}";

    public static string GuardWarning(string whose, IReadOnlyList<string> missing) =>
        $"Of {whose}, {TriggersMissing(missing)}. {DoctorMends}";

    public static MigratorException PromotionsUnderWay(IReadOnlyList<string> tenants) =>
        MigratorException.Refused(
            $"Promotions have not ended: {Some(tenants)}. Nothing was removed. "
                + "Finalize them or roll them back first; 'migrator list' shows all tenants."
        );

    public static MigratorException FenceNeeded(IReadOnlyList<string> tenants) =>
        MigratorException.Refused(
            $"Tenants have moved: {Some(tenants)}. Without the migrator's triggers the shared database takes their rows again, "
                + "and without its journal none of them can be rolled back. Nothing was removed. "
                + "If that is wanted: 'migrator uninstall --force --confirm'."
        );

    public static MigratorException HangsOnUs(IReadOnlyList<string> objects) =>
        MigratorException.Refused(
            $"Objects of others depend on the schema tenant_promotion: {Some(objects)}. Nothing was removed. "
                + "Drop them, then run 'migrator uninstall --confirm' again."
        );

    public static MigratorException NotTheShared(string database) =>
        MigratorException.Refused(
            $"Database {database} is a tenant's own, and no shared database. Nothing was removed. "
                + "DB_NAME names the shared one."
        );

    public static string Uninstall(IReadOnlyList<string> moved) =>
        "Remove the journal and everything else of the migrator from the shared database?"
        + (
            moved.Count == 0
                ? ""
                : $" The database then takes rows of these tenants again, and none of them can be rolled back: {Some(moved)}."
        );

    static string Some(IReadOnlyList<string> all) =>
        string.Join(", ", all.Take(5)) + (all.Count > 5 ? $", … ({all.Count})" : "");

    public static string Uninstalled(string database) =>
        $"The triggers and the schema of the migrator are removed from database {database}.";

    public static string IsolatedStays(string slug, Target target) =>
        $"database {target.Database} on {target.Host}:{target.Port}, where '{slug}' lives; its routing document";

    public static string RollBackOn(Slug slug) => $"Continue with 'migrator rollback --tenant-slug={slug} --confirm'.";

    public static string OpenArrival(Slug slug) =>
        $"'migrator promote --tenant-slug={slug} --confirm' opens the isolated database.";

    public static string DropTriggersByHand(string prefix) =>
        "Neither a tenant nor a journal names the guard's owner. "
        + "In psql: SELECT format('DROP TRIGGER %I ON %s', tgname, tgrelid::regclass) "
        + $"FROM pg_trigger WHERE starts_with(tgname, {Sql.Literal(prefix)}) \\gexec";

    public static string CannotInspect(Target place, Exception e) =>
        $"{place.Database}{(place.Database.Length > 0 ? " on " : "")}{place.Host}:{place.Port} "
        + $"could not be inspected: {Wording.Chain(e)}.";
}
