using Migrator.Model;
using Npgsql;

namespace Migrator.Messages;

/// <summary>What <c>check</c> says of the settings.</summary>
static class CheckMessages
{
    public const string Fine =
        "The settings can be used. Look at a tenant: 'migrator promote --tenant-slug=TENANT --dry-run'.";

    public const string NoFile = "There is no tenancy.json in this folder: the defaults hold, and the environment.";

    public static string FileRead(string file) => $"Settings: {file}";

    public static string Faulty(IEnumerable<string> faults) =>
        $"The settings cannot be used as they are; nothing was changed.\n{string.Join("\n", faults.Select(fault => $"  • {fault}"))}\n"
        + "Correct these, then run 'migrator check' again.";

    public static string UnknownVariable(string name) =>
        $"The environment variable {name} is no setting and has no effect. "
        + "A key of tenancy.json is written like MIGRATOR_TENANT_COLUMN, MIGRATOR_TENANTS__TABLE or MIGRATOR_REFERENCE__0.";

    public static string SecretMissing(string hook, string variable) =>
        $"The environment variable {variable} is not set here: where the migrator runs, hook '{hook}' needs the secret in it.";

    public static string NotReached(string server, NpgsqlConnectionStringBuilder login, string why) =>
        $"The {server} server {login.Host}:{login.Port}, as {login.Username}: {why}";

    public static string NoRule(IEnumerable<TableName> tables) =>
        $"The migrator cannot tell whose rows these tables hold: {Wording.List(tables)}. "
        + "'migrator init --force' proposes a rule for each, and keeps those that are there.";
}
