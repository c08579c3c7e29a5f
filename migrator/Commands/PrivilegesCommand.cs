using System.CommandLine;
using Migrator.Connections;
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
        await using var shared = await Databases.OpenSharedAsync(settings, cancellationToken);
        var target = settings.TargetAdministrator?.At(settings.Target) ?? settings.Target;
        await using var server = await Databases.OpenAsync(target, cancellationToken);
        var forWorker = parsed.GetValue(worker) ?? settings.Source.Username!;
        var forAdministrator = parsed.GetValue(administrator) ?? settings.SourceAdministrator?.User ?? forWorker;
        var isSame = (settings.Source.Host, settings.Source.Port) == (settings.Target.Host, settings.Target.Port);
        var needed = await new LeastPrivileges(forWorker, forAdministrator).ReadAsync(
            shared,
            server,
            isSame,
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

    // A script: what is there already is a comment.
    static void Show(IReadOnlyList<NeededPrivilege> needed, MigratorSettings settings)
    {
        foreach (var there in needed.GroupBy(one => one.Server))
        {
            var server = there.Key == "shared" ? settings.Source : settings.Target;
            var database = there.Key == "shared" ? $"{server.Database} on " : "";
            Console.Out.WriteLine($"-- {database}{server.Host}:{server.Port}");
            foreach (var one in there)
            {
                Console.Out.WriteLine($"-- {one.Reason}");
                Console.Out.WriteLine((one.IsThere ? "-- (is there) " : "") + one.Statement + ";");
            }
            Console.Out.WriteLine();
        }
    }
}
