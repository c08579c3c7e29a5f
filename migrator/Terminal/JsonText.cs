using System.Text.Json;
using System.Text.Json.Nodes;
using Migrator.Model;

namespace Migrator.Terminal;

/// <summary>How documents and log lines are written: keys in snake_case, nothing escaped needlessly.</summary>
static class JsonText
{
    /// <summary>For one object a line.</summary>
    static readonly JsonSerializerOptions Line = new(RoutingDocument.Json)
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new TimeConverter() },
    };

    /// <summary>For the result of a command.</summary>
    static readonly JsonSerializerOptions Document = new(Line) { WriteIndented = true };

    public static JsonNode? NodeOf<T>(T document) => JsonSerializer.SerializeToNode(document, Document);

    public static string OfDocument<T>(T document) => JsonSerializer.Serialize(document, Document);

    public static string OfLine<T>(T line) => JsonSerializer.Serialize(line, Line);
}
