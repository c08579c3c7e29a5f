using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Migrator.Model;
using Spectre.Console;

namespace Migrator.Commands;

/// <summary>What <c>--help</c> prints: options in groups, examples, the environment and the exit codes.</summary>
sealed class Help(RootCommand root) : SynchronousCommandLineAction
{
    const string Manual = "README.md describes the settings (tenancy.json), how a promotion can fail, and what to do.";

    /// <summary>The verbs of each group, in the order of their use.</summary>
    internal static readonly (string Title, string[] Verbs)[] VerbGroups =
    [
        ("Set up", ["init", "check", "privileges"]),
        ("Move a tenant", ["promote", "cutover", "rollback", "finalize", "forget"]),
        ("While a run is at work", ["tune", "pause", "resume"]),
        ("Look", ["status", "list", "scope", "verify", "routes", "hooks", "doctor"]),
        ("Around it", ["demo", "resolve-tenant", "completion", "uninstall"]),
    ];

    /// <summary>Options that stand apart from a verb's own.</summary>
    internal static readonly (string Title, string[] Options)[] OptionGroups =
    [
        (
            "Load and pause",
            [
                "--jobs",
                "--max-pause",
                "--during-pause",
                "--max-waiting",
                "--max-rate",
                "--max-replica-lag",
                "--max-active-sessions",
                "--throttle-query",
                "--max-wal",
                "--batch-size",
            ]
        ),
        (
            "Hold before the cutover",
            ["--hold", "--cutover-at", "--cutover-window", "--hold-for", "--hold-expires", "--detach"]
        ),
        ("Where", ["--settings", "--target", "--stack-outputs", "--routing-dir"]),
        ("Output", ["--json", "--log-format", "--report", "--metrics-listen", "--verbose", "--help", "--version"]),
    ];

    static readonly Dictionary<string, string[]> Examples = new()
    {
        ["promote"] =
        [
            "migrator promote --tenant-slug=acme-corp --dry-run",
            "migrator promote --tenant-slug=acme-corp --confirm --report report.md",
            "migrator promote --tenant-slug=acme-corp --confirm --max-rate 20MB --max-pause 1s",
            "migrator promote --tenant-slug=acme-corp --confirm --hold",
            "migrator promote --tenant-slug=acme-corp --confirm --rehearse",
        ],
        ["cutover"] =
        [
            "migrator cutover --tenant-slug=acme-corp --confirm",
            "migrator cutover --tenant-slug=acme-corp --cancel --confirm",
        ],
        ["rollback"] =
        [
            "migrator rollback --tenant-slug=acme-corp --confirm",
            "migrator rollback --tenant-slug=acme-corp --confirm --drop-isolated",
        ],
        ["finalize"] = ["migrator finalize --tenant-slug=acme-corp --confirm"],
        ["forget"] = ["migrator forget --tenant-slug=acme-corp --confirm"],
        ["status"] = ["migrator status --tenant-slug=acme-corp", "migrator status --tenant-slug=acme-corp --watch"],
        ["tune"] =
        [
            "migrator tune --tenant-slug=acme-corp --max-rate 5MB",
            "migrator tune --tenant-slug=acme-corp --max-active-sessions 10 --max-rate 0",
        ],
        ["pause"] = ["migrator pause --tenant-slug=acme-corp"],
        ["resume"] = ["migrator resume --tenant-slug=acme-corp"],
        ["list"] = ["migrator list", "migrator list --json"],
        ["verify"] = ["migrator verify --tenant-slug=acme-corp"],
        ["routes"] = ["migrator routes --tenant-slug=acme-corp", "migrator routes --tenant-slug=acme-corp --watch"],
        ["hooks"] = ["migrator hooks --tenant-slug=acme-corp"],
        ["doctor"] = ["migrator doctor", "migrator doctor --fix"],
        ["uninstall"] = ["migrator uninstall --confirm", "migrator uninstall --force --confirm"],
        ["init"] = ["migrator init", "migrator init --worker mover --administrator mover_admin"],
        ["check"] = ["migrator check", "migrator check --settings desk.json --json"],
        ["scope"] =
        [
            "migrator scope --tenant-slug=acme-corp --check",
            "migrator scope --tenant-slug=acme-corp --graph",
        ],
        ["privileges"] =
        [
            "migrator privileges",
            "migrator privileges --worker migrator --administrator migrator_admin",
        ],
        ["demo"] = ["migrator demo", "migrator demo --keep"],
        ["resolve-tenant"] = ["migrator resolve-tenant --event \"$GITHUB_EVENT_PATH\""],
        ["completion"] =
        [
            "source <(migrator completion bash)",
            "migrator completion zsh > \"${fpath[1]}/_migrator\"",
            "migrator completion fish > ~/.config/fish/completions/migrator.fish",
        ],
    };

    static readonly (string Name, string Meaning)[] Variables =
    [
        ("DB_HOST, DB_PORT, DB_NAME, DB_USER, DB_PASSWORD", "the shared database"),
        ("TARGET_DB_HOST, TARGET_DB_PORT, …", "the isolated database's server"),
        ("DB_SSLMODE, DB_SSLROOTCERT, TARGET_DB_SSLMODE, …", "TLS, as in libpq"),
        ("MIGRATOR_TENANT_COLUMN, MIGRATOR_…", "any key of tenancy.json"),
        ("POSTGRES_BIN", "folder of pg_dump and pg_restore"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_…", "where metrics and traces are sent, as in OpenTelemetry"),
    ];

    static readonly (ExitCode Code, string Meaning)[] Codes =
    [
        (ExitCode.Done, "done"),
        (ExitCode.Failed, "failed: the same command resumes"),
        (ExitCode.Usage, "wrong usage or input"),
        (ExitCode.Refused, "preflight refused; nothing was changed"),
        (ExitCode.Different, "verification found a difference"),
        (ExitCode.Busy, "another run holds the tenant"),
        (ExitCode.Interrupted, "interrupted: the same command resumes"),
    ];

    /// <summary>Puts this help in the place of the library's.</summary>
    public static void Install(RootCommand root) => root.Options.OfType<HelpOption>().Single().Action = new Help(root);

    /// <summary>Help needs no tenant.</summary>
    public override bool ClearsParseErrors => true;

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        Write(parseResult.CommandResult.Command, parseResult.InvocationConfiguration.Output);
        return (int)ExitCode.Done;
    }

    public void Write(Command command, TextWriter output)
    {
        output.WriteLine($"{command.Description}\n");
        if (command == root)
            WriteVerbs(output);
        else
            WriteOptions(output, command);
        WriteTable(output, "Environment", Variables);
        WriteTable(output, "Exit codes", Codes.Select(code => ($"{(int)code.Code}", code.Meaning)));
        output.WriteLine(Manual);
    }

    void WriteVerbs(TextWriter output)
    {
        output.WriteLine("Usage: migrator COMMAND [options]");
        output.WriteLine("       migrator COMMAND --help\n");
        foreach (var (title, verbs) in VerbGroups)
            WriteTable(
                output,
                title,
                verbs.Select(verb => (verb, root.Subcommands.Single(command => command.Name == verb).Description!))
            );
        WriteLines(output, "Examples", Examples["promote"]);
    }

    void WriteOptions(TextWriter output, Command command)
    {
        var arguments = string.Concat(command.Arguments.Select(argument => $" {argument.Name.ToUpperInvariant()}"));
        output.WriteLine($"Usage: migrator {command.Name}{arguments} [options]\n");
        WriteLines(output, "Examples", Examples[command.Name]);
        var options = command.Options.Concat(root.Options.Where(option => option.Recursive)).ToArray();
        var grouped = OptionGroups.SelectMany(group => group.Options).ToHashSet();
        WriteTable(output, "Options", options.Where(option => !grouped.Contains(option.Name)).Select(Row));
        foreach (var (title, names) in OptionGroups)
            WriteTable(output, title, options.Where(option => names.Contains(option.Name)).Select(Row));
    }

    static (string Name, string Meaning) Row(Option option)
    {
        var value = option.ValueType == typeof(bool) || option is HelpOption ? "" : $" {ValueOf(option)}";
        return ($"{option.Name}{value}", (option.Description ?? "") + (option.Required ? " Required." : ""));
    }

    static string ValueOf(Option option) =>
        option.GetCompletions(System.CommandLine.Completions.CompletionContext.Empty).ToArray()
            is { Length: > 0 } values
            ? string.Join('|', values.Select(value => value.Label))
            : option.Name.Split('-')[^1].ToUpperInvariant();

    static void WriteLines(TextWriter output, string title, IEnumerable<string> lines)
    {
        output.WriteLine($"{title}:");
        foreach (var line in lines)
            output.WriteLine($"  {line}");
        output.WriteLine();
    }

    static void WriteTable(TextWriter output, string title, IEnumerable<(string Name, string Meaning)> rows)
    {
        var grid = new Grid().AddColumn(new GridColumn().NoWrap().PadLeft(2).PadRight(2)).AddColumn();
        foreach (var (name, meaning) in rows)
            grid.AddRow(new Text(name), new Text(meaning));
        if (grid.Rows.Count == 0)
            return;
        output.WriteLine($"{title}:");
        var drawn = new StringWriter();
        var console = AnsiConsole.Create(
            new AnsiConsoleSettings { Ansi = AnsiSupport.No, Out = new AnsiConsoleOutput(drawn) }
        );
        console.Profile.Width = Console.IsOutputRedirected ? 100 : Math.Max(60, AnsiConsole.Profile.Width);
        console.Write(grid);
        foreach (var line in drawn.ToString().TrimEnd().Split('\n'))
            output.WriteLine(line.TrimEnd());
        output.WriteLine();
    }
}
