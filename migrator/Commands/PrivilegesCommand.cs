using System.CommandLine;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Preflight;
using Migrator.Reporting;
using Migrator.Settings;
using Migrator.Terminal;

namespace Migrator.Commands;

/// <summary>The least privileges for one database. Reads catalogs only, so any login may ask, before a role exists.</summary>
sealed class PrivilegesCommand : MigratorCommand
{
    readonly Option<string?> worker;
    readonly Option<string?> administrator;

    public PrivilegesCommand()
        : base("privileges", "Print the least privileges that the migrator needs, each with its reason.")
    {
        worker = Add<string?>(
            new("--worker") { Description = "The role that reads and writes rows (default DB_USER)." }
        );
        administrator = Add<string?>(
            new("--administrator")
            {
                Description = "The role for slots and databases (default DB_ADMIN_USER, or the worker).",
            }
        );
    }

    protected override async Task<ExitCode> RunAsync(
        ParseResult parsed,
        ConsoleOutput terminal,
        CancellationToken cancellationToken
    )
    {
        var settings = ReadSettings(parsed);
        var forWorker = parsed.GetValue(worker) ?? settings.Source.Username!;
        var forAdministrator = parsed.GetValue(administrator) ?? settings.SourceAdministrator?.User ?? forWorker;
        var needed = await new LeastPrivileges(forWorker, forAdministrator, settings.Tenancy).ReadAsync(
            settings,
            cancellationToken
        );
        if (terminal.Json)
            terminal.WriteJson(
                new PrivilegesDocument(
                    forWorker,
                    forAdministrator,
                    needed,
                    ["migrator promote --tenant-slug=TENANT --dry-run"]
                )
            );
        else
            Show(needed, settings);
        return ExitCode.Done;
    }

    static void Show(IReadOnlyList<NeededPrivilege> needed, MigratorSettings settings)
    {
        foreach (var there in needed.GroupBy(one => one.Server))
        {
            var server = there.Key == "shared" ? settings.Source : settings.Target;
            var database = there.Key == "shared" ? $"{server.Database} on " : "";
            Console.Out.WriteLine($"-- {Wording.Foreign(database)}{server.Host}:{server.Port}");
            Console.Out.WriteLine(RoleScript.Statements(there));
        }
    }
}
