using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Migrator.Terminal;

/// <summary>
/// Completes the commands that messages recommend by the options of this run, so that each can be pasted as it stands:
/// another settings file or another mode would do something else.
/// </summary>
public sealed partial class Advice
{
    // What belongs to one call alone: its confirmation and its output.
    static readonly HashSet<string> OfOneCall =
    [
        "--confirm",
        "--dry-run",
        "--fix",
        "--json",
        "--log-format",
        "--report",
        "--tenant-slug",
        "--verbose",
    ];

    // The same word means something else in another verb.
    static readonly HashSet<string> OfOneVerb = ["--force", "--batch-size"];

    readonly Dictionary<string, (string Name, string Text)[]> kept = [];

    Advice() { }

    /// <summary>For commands that were called without any option.</summary>
    public static Advice None { get; } = new();

    public static Advice From(ParseResult parsed)
    {
        var advice = new Advice();
        var given = parsed
            .CommandResult.Children.OfType<OptionResult>()
            .Where(result => !result.Implicit && !OfOneCall.Contains(result.Option.Name))
            .ToArray();
        foreach (var verb in parsed.RootCommandResult.Command.Subcommands)
            advice.kept[verb.Name] =
            [
                .. given
                    .Where(result =>
                        verb == parsed.CommandResult.Command
                        || (
                            verb.Options.Any(option => option.Name == result.Option.Name)
                            && !OfOneVerb.Contains(result.Option.Name)
                        )
                    )
                    .Select(result => (result.Option.Name, Written(result))),
            ];
        return advice;
    }

    /// <summary>The same without these options: what they asked for is done.</summary>
    public Advice Without(params string[] options)
    {
        var less = new Advice();
        foreach (var (verb, all) in kept)
            less.kept[verb] = [.. all.Where(option => !options.Contains(option.Name))];
        return less;
    }

    /// <summary>The text with complete commands.</summary>
    public string In(string text) =>
        Command()
            .Replace(
                text,
                match =>
                    match.Value
                    + string.Concat(
                        kept.GetValueOrDefault(match.Groups["verb"].Value, [])
                            .Where(option => !match.Value.Contains(option.Name + "=", StringComparison.Ordinal))
                            .Where(option => !$"{match.Value} ".Contains($"{option.Name} ", StringComparison.Ordinal))
                            .Select(option => " " + option.Text)
                    )
            );

    /// <summary>The document with complete commands in all of its texts.</summary>
    public JsonNode? In(JsonNode? node)
    {
        switch (node)
        {
            case JsonObject fields:
                foreach (var (name, value) in fields.ToArray())
                    Set(value, text => fields[name] = text);
                break;
            case JsonArray items:
                for (var n = 0; n < items.Count; n++)
                {
                    var at = n;
                    Set(items[n], text => items[at] = text);
                }
                break;
        }
        return node;
    }

    void Set(JsonNode? node, Action<string> set)
    {
        if (node is JsonValue value && value.TryGetValue<string>(out var text))
            set(In(text));
        else
            In(node);
    }

    static string Written(OptionResult result) =>
        result.Tokens.Count == 0
            ? result.Option.Name
            : string.Join(' ', result.Tokens.Select(token => $"{result.Option.Name}={Quoted(token.Value)}"));

    // For a shell. Messages put commands into single quotes, so these are double.
    static string Quoted(string value) =>
        Plain().IsMatch(value) ? value : $"\"{Special().Replace(value, special => "\\" + special.Value)}\"";

    // At the beginning of a line, or where a message quotes a command.
    [GeneratedRegex("""(?<=^|'|Next: )migrator (?<verb>[a-z-]+)(?: --[a-z-]+(?:=(?:"[^"]*"|[^\s'"]+))?)*""")]
    private static partial Regex Command();

    [GeneratedRegex(@"^[\w@%+=:,./-]+$")]
    private static partial Regex Plain();

    [GeneratedRegex("""[\\"$`]""")]
    private static partial Regex Special();
}
