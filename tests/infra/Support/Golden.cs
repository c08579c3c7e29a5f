using System.Collections.Immutable;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Infra.Tests.Support;

/// <summary>
/// The whole graph as text that reads well in a diff. <c>UPDATE_GOLDEN=1 dotnet run --project tests/infra</c> writes it
/// anew.
/// </summary>
static class Golden
{
    const string Item = "-";

    static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static string Render(Graph graph)
    {
        var text = new StringBuilder();
        foreach (var node in graph.Nodes)
        {
            text.Append(node.Label).Append('\n');
            text.Append("  parent: ").Append(node.Parent).Append('\n');
            if (node.Provider is { } provider)
                text.Append("  provider: ").Append(provider).Append('\n');
            if (node.Protect)
                text.Append("  protect: true\n");
            if (node.DeletedWith is { } with)
                text.Append("  deletedWith: ").Append(with).Append('\n');
            Lines(text, "ignoreChanges", node.IgnoreChanges);
            Lines(text, "dependsOn", node.DependsOn);
            foreach (var (key, value) in node.Inputs.OrderBy(pair => pair.Key, StringComparer.Ordinal))
                Value(text, key, value, "  ");
            text.Append('\n');
        }

        return text.ToString();
    }

    static void Lines(StringBuilder text, string key, IReadOnlyList<string> lines)
    {
        if (lines.Count == 0)
            return;

        text.Append("  ").Append(key).Append(":\n");
        foreach (var line in lines)
            text.Append("    ").Append(line).Append('\n');
    }

    static void Value(StringBuilder text, string key, object value, string indent)
    {
        switch (value)
        {
            case ImmutableDictionary<string, object> map:
                text.Append(indent).Append(key).Append(key == Item ? "\n" : ":\n");
                foreach (var (name, item) in map.OrderBy(pair => pair.Key, StringComparer.Ordinal))
                    Value(text, name, item, indent + "  ");
                break;
            case ImmutableArray<object> list:
                text.Append(indent).Append(key).Append(":\n");
                foreach (var item in list)
                    Value(text, Item, item, indent + "  ");
                break;
            case string line when line.StartsWith("{\"", StringComparison.Ordinal):
                Value(text, key, JsonSerializer.Serialize(JsonDocument.Parse(line), Indented), indent);
                break;
            case string line when line.Contains('\n', StringComparison.Ordinal):
                text.Append(indent).Append(key).Append(": |\n");
                foreach (var part in line.Split('\n'))
                    text.Append(part == "" ? "" : indent + "  ").Append(part).Append('\n');
                break;
            default:
                text.Append(indent).Append(key).Append(key == Item ? " " : ": ").Append(Scalar(value)).Append('\n');
                break;
        }
    }

    static string Scalar(object value) =>
        value switch
        {
            string text when text.StartsWith("plain-text-of-", StringComparison.Ordinal) => "[secret]",
            bool flag => flag ? "true" : "false",
            _ => FormattableString.Invariant($"{value}"),
        };
}
