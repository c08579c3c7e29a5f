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
