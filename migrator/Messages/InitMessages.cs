using Migrator.Model;

namespace Migrator.Messages;

/// <summary>What <c>init</c> says.</summary>
static class InitMessages
{
    public static MigratorException FilesThere(IEnumerable<string> files) =>
        MigratorException.Usage(
            $"{string.Join(", ", files)} is there already, and nothing was written. Name other files (--out, --sql), "
                + "or write over them with --force: what tenancy.json says is kept, its comments are not."
        );

    public static MigratorException NotWritten(string file, string why) =>
        MigratorException.Usage($"{file} cannot be written: {why} Name another file (--out, --sql).");

    public static string ByHand(string statement, string reason) =>
        $"{Wording.Foreign(statement)} is left to you: {Wording.Foreign(reason)}.";

    public static string Written(
        IEnumerable<string> files,
        IReadOnlyList<string> scripts,
        string worker,
        string administrator,
        string check
    ) =>
        $"Written: {string.Join(", ", files)}. Read them: much is guessed from names and from some rows.\n"
        + $"Run {string.Join(" and ", scripts)} as a superuser, give the new roles passwords, and set DB_USER={worker}"
        + $"{(administrator == worker ? "" : $", DB_ADMIN_USER={administrator}")} and the passwords.\n"
        + $"Then see what is missing: '{check}'.";
}
