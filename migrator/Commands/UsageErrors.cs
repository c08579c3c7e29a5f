using System.CommandLine;
using Migrator.Model;

namespace Migrator.Commands;

/// <summary>What is said of words that do not parse: a line for each, and where to read more.</summary>
static class UsageErrors
{
    public static int Write(ParseResult parsed, TextWriter error)
    {
        var command = parsed.CommandResult.Command;
        var isRoot = command == parsed.RootCommandResult.Command;
        if (isRoot && parsed.UnmatchedTokens.FirstOrDefault(IsWord) is { } word)
            error.WriteLine($"✗ There is no command '{word}'.");
        else
            foreach (var fault in parsed.Errors)
                error.WriteLine("✗ " + fault.Message);
        error.WriteLine($"  'migrator {(isRoot ? "" : command.Name + " ")}--help' shows the commands and options.");
        return (int)ExitCode.Usage;
    }

    static bool IsWord(string token) => !token.StartsWith('-');
}
