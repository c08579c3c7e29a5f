using System.CommandLine;
using Migrator.Model;

namespace Migrator.Commands;

/// <summary>
/// Prints a script with which a shell completes commands and options. The script asks this program: the parser answers
/// the directive <c>[suggest:POSITION]</c>.
/// </summary>
sealed class CompletionCommand : Command
{
    static readonly Dictionary<string, string> Scripts = new()
    {
        ["bash"] = """
            _migrator() {
              local IFS=$'\n' words
              words=$("${COMP_WORDS[0]}" "[suggest:$COMP_POINT]" "$COMP_LINE" 2>/dev/null)
              COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))
            }
            complete -o default -F _migrator migrator
            """,
        ["zsh"] = """
            #compdef migrator
            _migrator() {
              local -a words_of
              words_of=("${(@f)$("${words[1]}" "[suggest:$CURSOR]" "$BUFFER" 2>/dev/null)}")
              compadd -- $words_of
              _files
            }
            compdef _migrator migrator
            """,
        ["fish"] = """
            function __migrator
              set -l line (commandline -cp)
              migrator "[suggest:"(string length -- "$line")"]" "$line" 2>/dev/null
            end
            complete -c migrator -a '(__migrator)'
            """,
    };

    public CompletionCommand()
        : base("completion", "Print a script that completes commands and options in a shell.")
    {
        var shell = new Argument<string>("shell") { Description = "bash, zsh or fish." };
        shell.AcceptOnlyFromAmong([.. Scripts.Keys]);
        Arguments.Add(shell);
        SetAction(parsed =>
        {
            parsed.InvocationConfiguration.Output.WriteLine(Scripts[parsed.GetValue(shell)!]);
            return (int)ExitCode.Done;
        });
    }
}
