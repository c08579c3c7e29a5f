using System.CommandLine;
using CliWrap;
using CliWrap.Buffered;
using Migrator.Commands;

namespace Migrator.Tests.Commands;

/// <summary>What a person meets who does not know the words yet.</summary>
public sealed class HelpTests
{
    static readonly RootCommand Root = Verbs.Create();

    public static TheoryData<string> Names => [.. Root.Subcommands.Select(command => command.Name)];

    [Fact]
    public void Every_verb_stands_in_one_group_and_every_grouped_option_belongs_to_a_verb()
    {
        Assert.Equal(
            Root.Subcommands.Select(command => command.Name).Order(),
            Help.VerbGroups.SelectMany(group => group.Verbs).Order()
        );
        var options = Root
            .Options.Concat(Root.Subcommands.SelectMany(command => command.Options))
            .ToLookup(option => option.Name);
        Assert.All(Help.OptionGroups.SelectMany(group => group.Options), name => Assert.NotEmpty(options[name]));
    }

    [Theory, MemberData(nameof(Names))]
    public void Help_shows_every_option_of_a_verb_and_its_examples_parse(string verb)
    {
        var command = Root.Subcommands.Single(candidate => candidate.Name == verb);
        var output = new StringWriter();

        Assert.Equal(0, Root.Parse([verb, "--help"]).Invoke(new() { Output = output }));

        var text = output.ToString();
        Assert.All(command.Options, option => Assert.Contains($"  {option.Name}", text));
        var examples = text.Split('\n')
            .Where(line => line.StartsWith("  migrator ", StringComparison.Ordinal))
            .ToArray();
        if (verb != "completion")
            Assert.NotEmpty(examples);
        Assert.All(examples, line => Assert.Empty(Root.Parse(line.Split('>')[0].Trim()["migrator ".Length..]).Errors));
        Assert.DoesNotContain(text.Split('\n'), line => line.Length > 100 || line.EndsWith(' '));
    }

    [Theory]
    [InlineData("promot", "There is no command 'promot'. Did you mean 'promote'?")]
    [InlineData("roll-back", "Did you mean 'rollback'?")]
    [InlineData("frobnicate", "There is no command 'frobnicate'.\n")]
    [InlineData("promote --tenant-slgu=acme", "Did you mean '--tenant-slug'?")]
    [InlineData("status --tenant-slug=acme --jsno", "Did you mean '--json'?")]
    public void A_misspelt_word_gets_a_suggestion_if_one_is_near(string line, string said)
    {
        var error = new StringWriter { NewLine = "\n" };

        Assert.Equal(2, UsageErrors.Write(Root.Parse(line), Root, error));

        Assert.Contains(said, error.ToString());
    }

    [Fact]
    public void Without_a_word_the_verbs_are_shown_and_the_exit_code_is_that_of_wrong_usage()
    {
        var error = new StringWriter();

        Assert.Equal(2, UsageErrors.Write(Root.Parse(""), Root, error));

        Assert.Contains("Move a tenant:", error.ToString());
    }

    [Fact]
    public async Task Bash_completes_verbs_and_options_by_asking_the_program()
    {
        var program = Path.Combine(AppContext.BaseDirectory, "migrator.dll");
        var script = $$"""
            migrator() { dotnet "{{program}}" "$@"; }
            source <(migrator completion bash)
            COMP_LINE="migrator promote --max" COMP_POINT=22 COMP_WORDS=(migrator promote --max) COMP_CWORD=2
            _migrator
            echo "${COMPREPLY[@]}"
            COMP_LINE="migrator pro" COMP_POINT=12 COMP_WORDS=(migrator pro) COMP_CWORD=1
            _migrator
            echo "${COMPREPLY[@]}"
            """;

        var result = await Cli.Wrap("bash")
            .WithArguments(["-c", script])
            .ExecuteBufferedAsync(TestContext.Current.CancellationToken);

        Assert.Equal(
            "--max-active-sessions --max-pause --max-rate --max-replica-lag --max-snapshot --max-waiting --max-wal\npromote\n",
            result.StandardOutput
        );
    }
}
