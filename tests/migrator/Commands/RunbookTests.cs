using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Migrator.Commands;
using Migrator.Model;

namespace Migrator.Tests.Commands;

/// <summary>Whoever is on call finds in docs/runbook.md whatever the program may show.</summary>
public sealed partial class RunbookTests
{
    [Fact]
    public void Every_exit_code_has_a_row() =>
        Assert.Equal(
            Enum.GetValues<ExitCode>().Select(code => ((int)code).ToString()),
            Keys("Exit codes").Where(key => key != "code")
        );

    [Fact]
    public void Every_state_has_a_row() =>
        Assert.Equal(
            typeof(PromotionState).GetFields().Select(field => $"`{field.GetRawConstantValue()}`"),
            Keys("States").Where(key => key != "state")
        );

    // What the stacks declare is recorded by the tests of infra.
    [Fact]
    public void Every_alarm_has_a_row() =>
        Assert.Equal(
            Alarm().Matches(Read("tests/infra/golden/acme-corp.txt")).Select(match => match.Groups[1].Value).Order(),
            Names().Matches(Section("Alarms")).SelectMany(row => row.Groups[1].Value.Split("`, `")).Order()
        );

    [Fact]
    public void Every_command_in_it_exists()
    {
        var root = Verbs.Create();
        var commands = Command().Matches(Text()).Select(match => match.Groups[1].Value).ToArray();
        Assert.True(commands.Length > 20);
        Assert.All(commands, line => Assert.Empty(root.Parse(Complete(line)).Errors));
    }

    // What stands for itself in a sentence leaves the tenant out.
    static string Complete(string line)
    {
        var words = line.Replace("…", "acme-corp").Replace("COMMAND", "promote");
        string[] ofAll = ["check", "init", "list", "doctor", "privileges", "uninstall", "--version"];
        return words.Contains("--tenant-slug") || ofAll.Any(word => words.StartsWith(word, StringComparison.Ordinal))
            ? words
            : $"{words} --tenant-slug=acme-corp";
    }

    static IEnumerable<string> Keys(string section) =>
        Row().Matches(Section(section)).Select(match => match.Groups[1].Value).Where(key => key[0] != '-');

    static string Section(string section)
    {
        var text = Text();
        var start = text.IndexOf($"\n## {section}\n", StringComparison.Ordinal);
        Assert.True(start >= 0, $"docs/runbook.md has no section {section}");
        var end = text.IndexOf("\n## ", start + 1, StringComparison.Ordinal);
        return text[start..end];
    }

    static string Text() => Read("docs/runbook.md");

    static string Read(string path, [CallerFilePath] string file = "") =>
        File.ReadAllText(Path.Combine(Path.GetDirectoryName(file)!, "..", "..", "..", path));

    [GeneratedRegex(@"^gcp:monitoring/alertPolicy:AlertPolicy (\S+)$", RegexOptions.Multiline)]
    private static partial Regex Alarm();

    [GeneratedRegex(@"^\| `([^|]+)` \|", RegexOptions.Multiline)]
    private static partial Regex Names();

    [GeneratedRegex(@"^\| ?([^|\s]+)", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex("`migrator ([^`]+)`")]
    private static partial Regex Command();
}
