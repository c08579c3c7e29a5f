using System.CommandLine;
using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Preflight;
using Migrator.Reporting;
using Migrator.Scope;
using Migrator.Settings;
using Migrator.Terminal;

namespace Migrator.Commands;

/// <summary>A first tenancy.json from the catalog, and the statements for the roles. Changes no database.</summary>
sealed class InitCommand : MigratorCommand
{
    readonly Option<string> file;
    readonly Option<string> sql;
    readonly Option<string> worker;
    readonly Option<string> administrator;
    readonly Option<bool> force;

    public InitCommand()
        : base("init", "Write a first tenancy.json and the SQL for the migrator's roles, as the database suggests.")
    {
        file = Text("--out", MigratorSettings.DefaultFile, "The settings file to write");
        sql = Text("--sql", "roles.sql", "The file for the statements; another server gets roles.isolated.sql");
        worker = Text("--worker", "migrator", "The role that reads and writes rows");
        administrator = Text("--administrator", "migrator_admin", "The role for slots and databases");
        force = Add<bool>(
            new("--force") { Description = "Write over files that are there; what the settings said is kept." }
        );
    }

    protected override async Task<ExitCode> RunAsync(
        ParseResult parsed,
        ConsoleOutput terminal,
        CancellationToken cancellationToken
    )
    {
        var (settingsFile, script) = (parsed.GetValue(file)!, parsed.GetValue(sql)!);
        // What is written over is read first.
        var settings = ReadSettings(parsed, File.Exists(settingsFile) ? settingsFile : null);
        var isOne = LeastPrivileges.IsOneServer(settings);
        string[] scripts = isOne
            ? [script]
            : [script, Path.ChangeExtension(script, ".isolated" + Path.GetExtension(script))];
        var files = new NewFiles(parsed.GetValue(force));
        files.Require([settingsFile, .. scripts]);

        var roles = (Worker: parsed.GetValue(worker)!, Administrator: parsed.GetValue(administrator)!);
        var (tenancy, notes) = await SuggestAsync(settings, cancellationToken);
        var needed = await new LeastPrivileges(roles.Worker, roles.Administrator, tenancy).ReadAsync(
            settings,
            cancellationToken
        );
        var shared = needed.Where(one => isOne || one.Server == LeastPrivileges.Shared);
        files.Write([
            (settingsFile, RuleJson.File(tenancy, settings.File) + "\n"),
            (script, RoleScript.Of(script, settings.Source, shared)),
            .. scripts[1..].Select(name => (name, RoleScript.Of(name, settings.Target, needed.Except(shared)))),
        ]);
        var check =
            $"migrator check{(settingsFile == MigratorSettings.DefaultFile ? "" : $" --settings={settingsFile}")}";
        Tell(
            terminal,
            new(settingsFile, scripts, roles.Worker, roles.Administrator, [.. notes, .. ByHand(needed)], [check])
        );
        return ExitCode.Done;
    }

    // No script has it, so it is said.
    static IEnumerable<string> ByHand(IEnumerable<NeededPrivilege> needed) =>
        needed
            .Where(one => one is { ByHand: true, IsThere: false })
            .Select(one => InitMessages.ByHand(one.Statement, one.Reason));

    static void Tell(ConsoleOutput terminal, InitDocument written)
    {
        if (terminal.Json)
        {
            terminal.WriteJson(written);
            return;
        }
        // Plain lines: some are to be pasted, and a console would fold them.
        foreach (var note in written.Notes)
            Console.Error.WriteLine($"! {note}");
        Console.Out.WriteLine(
            InitMessages.Written(
                [written.SettingsFile, .. written.SqlFiles],
                written.SqlFiles,
                written.Worker,
                written.Administrator,
                written.NextSteps[0]
            )
        );
    }

    Option<string> Text(string name, string otherwise, string description) =>
        Add<string>(
            new(name) { Description = $"{description} (default {otherwise}).", DefaultValueFactory = _ => otherwise }
        );

    static async Task<(Tenancy, IReadOnlyList<string>)> SuggestAsync(
        MigratorSettings settings,
        CancellationToken cancellationToken
    )
    {
        await using var shared = await Databases.OpenSharedAsync(settings, cancellationToken);
        await using var reading = await Snapshots.BeginReadOnlyAsync(shared, cancellationToken);
        return await Suggestion.ReadAsync(shared, settings.Tenancy, slug: null, cancellationToken);
    }
}
