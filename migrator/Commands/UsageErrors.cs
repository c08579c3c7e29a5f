using System.CommandLine;
using Migrator.Model;

namespace Migrator.Commands;

/// <summary>What is said of words that do not parse: a line for each, and where to read more.</summary>
static class UsageErrors
{
    public static int Write(ParseResult parsed, RootCommand root, TextWriter error)
    {
        var command = parsed.CommandResult.Command;
        var isRoot = command == root;
        if (isRoot && parsed.Tokens.Count == 0)
        {
            new Help(root).Write(root, error);
            return (int)ExitCode.Usage;
        }
        if (isRoot && parsed.UnmatchedTokens.FirstOrDefault(IsWord) is { } word)
            error.WriteLine($"✗ There is no command '{word}'.{Suggestion(word, root.Subcommands.Select(NameOf))}");
        else
            foreach (var fault in parsed.Errors)
                error.WriteLine("✗ " + fault.Message + OptionSuggestion(parsed, fault.Message));
        error.WriteLine($"  'migrator {(isRoot ? "" : command.Name + " ")}--help' shows the commands and options.");
        return (int)ExitCode.Usage;
    }

    static string OptionSuggestion(ParseResult parsed, string fault)
    {
        var mistyped = parsed.UnmatchedTokens.FirstOrDefault(token =>
            !IsWord(token) && fault.Contains(token, StringComparison.Ordinal)
        );
        return mistyped is null
            ? ""
            : Suggestion(mistyped.Split('=')[0], parsed.CommandResult.Command.Options.Select(NameOf));
    }

    static string Suggestion(string word, IEnumerable<string> names)
    {
        var nearest = names
            .Select(name => (Name: name, Distance: Distance(word, name)))
            .Where(near => near.Distance <= Math.Max(2, word.Length / 3))
            .OrderBy(near => near.Distance)
            .FirstOrDefault();
        return nearest.Name is null ? "" : $" Did you mean '{nearest.Name}'?";
    }

    static string NameOf(Symbol symbol) => symbol.Name;

    static bool IsWord(string token) => !token.StartsWith('-');

    // Levenshtein: how many letters have to be put in, taken out or replaced.
    static int Distance(string from, string to)
    {
        var row = Enumerable.Range(0, to.Length + 1).ToArray();
        for (var i = 1; i <= from.Length; i++)
        {
            var (diagonal, _) = (row[0], row[0] = i);
            for (var j = 1; j <= to.Length; j++)
                (diagonal, row[j]) = (
                    row[j],
                    Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (from[i - 1] == to[j - 1] ? 0 : 1))
                );
        }
        return row[^1];
    }
}
