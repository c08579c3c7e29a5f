using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Migrator.Tests.Support;

namespace Migrator.Tests.Scope;

/// <summary>
/// The shapes of databases as products have them, each a file in shapes/: a tenant of each goes there online while it and
/// others write, comes back, goes again and is deleted. What is compared are queries of the file.
/// </summary>
public sealed partial class ShapesTests(Servers servers)
{
    public static IEnumerable<TheoryDataRow<string>> Shapes =>
        Soak.Sweep(["billing", "chat", "groups", "surveys", "traces", "workflows"], ["chat", "workflows"]);

    [Theory]
    [MemberData(nameof(Shapes))]
    public Task A_tenant_moves_there_and_back_and_for_good(string shape) => MoveAsync(shape);

    Task MoveAsync(string shape, [CallerFilePath] string file = "")
    {
        var text = File.ReadAllText(Path.Combine(Path.GetDirectoryName(file)!, "shapes", shape + ".sql"));
        var parts = Part().Matches(text).ToDictionary(part => part.Groups[1].Value, part => part.Groups[2].Value);
        return new ScopePattern(shape, parts["schema"], Rows(parts["mine"]))
        {
            Tenancy = ScopePattern.Parse(parts["tenancy"]),
            Along = Rows(parts.GetValueOrDefault("along", "")),
            Meanwhile = parts["meanwhile"],
            There = parts["there"],
        }.MoveAsync(servers);
    }

    static (string Table, string Which)[] Rows(string part) =>
        [
            .. from line in part.Replace("\n    ", " ").Split('\n', StringSplitOptions.RemoveEmptyEntries)
            let end = line.IndexOf(" | ", StringComparison.Ordinal)
            select (line[..end], line[(end + 3)..]),
        ];

    [GeneratedRegex("^---- (\\w+)\n(.*?)(?=^---- |\\z)", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Part();
}
