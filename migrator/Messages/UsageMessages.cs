using Migrator.Model;

namespace Migrator.Messages;

/// <summary>What is wrong with a command line or a settings file.</summary>
static class UsageMessages
{
    public static string SlugInvalid(string text) =>
        $"'{text}' is not a tenant slug: lower-case letters, digits and single hyphens inside, "
        + $"at most {Slug.MaxLength} characters, as in acme-corp.";

    public static string ConfirmationNeeded(string verb, Slug? slug) =>
        $"'{verb}' changes databases, and there is no terminal to ask for confirmation. "
        + $"Add --confirm: 'migrator {verb}{(slug is null ? "" : $" --tenant-slug={slug}")} --confirm'.";

    public static MigratorException DryRunOnly(string verb, string variable) =>
        MigratorException.Refused(
            $"'{verb}' changes databases, and {variable} is set here: only --dry-run and the verbs that look are allowed. "
                + "Nothing was changed. Run the command where the variable is not set."
        );

    public static string NotConfirmed(string verb) => $"Nothing was changed: '{verb}' was not confirmed.";

    public static string SettingsFileMissing(string file) =>
        $"There is no settings file {file}. Leave --settings out to run with the defaults.";

    public static string SettingsUnreadable(string file, string why) =>
        $"{file} cannot be read: {why} Correct that and run the same command again.";

    public static MigratorException SettingsInvalid(string file, IReadOnlyList<string> faults) =>
        MigratorException.Usage(
            $"{file} cannot be used:\n{string.Join("\n", faults.Select(fault => $"  • {fault}"))}\n"
                + "Correct the file and run the same command again."
        );

    public static string SettingsNoJson(long line, long column) =>
        $"line {line}, column {column}: not valid JSON from here on.";

    public static string SettingOfOtherType(string place, string key, string form) => $"{place}: {key} must be {form}.";

    public static string SettingTwice(string place, string key) =>
        $"{place}: {key} is there a second time. Remove one.";

    public static string SettingUnknown(string place, string key, IEnumerable<string> known) =>
        $"{place}: unknown key '{key}'. Known keys: {string.Join(", ", known)}.";

    public static string RuleTwice(string place, TableName table) =>
        $"{place}: a second rule for {table}. Remove one of the two rules.";

    public static string RuleUnknown(string place, TableName table, string keys) =>
        $"{place}: the migrator does not know this rule for {table}{(keys.Length > 0 ? $" ({keys})" : "")}. "
        + "Write \"reference\", \"ignored\", { \"tenant\": \"column\" }, "
        + "{ \"tenant\": \"column\", \"null\": \"global\" }, "
        + "{ \"belongs_to\": \"schema.table\", \"by\": { \"column\": \"parent's column\" } } , "
        + "{ \"by_type\": { \"type\": \"column\", \"id\": \"column\", \"to\": { \"type\": \"schema.table\" } } }, "
        + "{ \"where\": \"SQL condition with :tenant\" }, "
        + "{ \"named_by\": [\"schema.table.column\"] }, "
        + "{ \"shared_through\": [\"schema.table.column\"], \"blank\": [\"column\"] } or "
        + "{ \"any_of\": [two or more of these objects] }. docs/scope.md has an example of each.";

    public static string RuleTypesUnreadable(string place, TableName table) =>
        $"{place}: \"by_type\" in the rule for {table} has to be {{ \"type\": \"column\", \"id\": \"column\", "
        + "\"to\": { \"value of the type\": \"schema.table\" } }.";

    public static string RuleColumnsUnreadable(string place, TableName table) =>
        $"{place}: \"by\" in the rule for {table} has to be {{ \"column\": \"parent's column\" }}, each column once.";

    public static string ConnectionSettingInvalid(string whole, string prefix) =>
        $"The connection settings {whole} or {prefix}HOST, {prefix}PORT, … cannot be read. "
        + "A port is a number; a connection string looks like Host=…;Port=…;Database=…;Username=….";

    public static MigratorException TargetInvalid() =>
        MigratorException.Usage(
            "--target takes host or host:port. "
                + "User and password of that server come from TARGET_DB_USER and TARGET_DB_PASSWORD."
        );

    public static string ReportNowhere(string path) =>
        $"--report cannot write to '{path}': its folder does not exist, or it is a folder itself. Name a file in a folder that exists.";

    public static string ReportNotHtml(string path) =>
        $"The report is an HTML file, and '{path}' does not end in .html. Name it as in report.html.";
}
