using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Migrator.Tests.Support;

/// <summary>The keywords of JSON Schema that docs/tenancy.schema.json uses; any other keyword fails.</summary>
/// <remarks>https://json-schema.org/draft/2020-12/json-schema-validation</remarks>
sealed class JsonSchema(JsonObject root)
{
    public bool Accepts(JsonNode? value) => Accepts(root, value);

    bool Accepts(JsonObject schema, JsonNode? value) => schema.All(keyword => Accepts(schema, keyword, value));

    bool Accepts(JsonObject schema, KeyValuePair<string, JsonNode?> keyword, JsonNode? value)
    {
        var wanted = keyword.Value!;
        return keyword.Key switch
        {
            "$schema" or "$defs" or "title" or "description" => true,
            "$ref" => Accepts(Definition((string)wanted!), value),
            "type" => wanted is JsonArray types
                ? types.Any(type => IsOfType((string)type!, value))
                : IsOfType((string)wanted!, value),
            "enum" => wanted.AsArray().Any(one => JsonNode.DeepEquals(one, value)),
            "anyOf" => wanted.AsArray().Any(one => Accepts(one!.AsObject(), value)),
            "required" => value is not JsonObject whole
                || wanted.AsArray().All(name => whole.ContainsKey((string)name!)),
            "properties" => value is not JsonObject whole
                || whole.All(one => wanted[one.Key] is not JsonObject inner || Accepts(inner, one.Value)),
            "additionalProperties" => value is not JsonObject whole
                || Others(schema, whole).All(one => wanted is JsonObject inner && Accepts(inner, one.Value)),
            "minProperties" => value is not JsonObject whole || whole.Count >= (int)wanted,
            "items" => value is not JsonArray items || items.All(item => Accepts(wanted.AsObject(), item)),
            "minItems" => value is not JsonArray items || items.Count >= (int)wanted,
            "minLength" => !IsOfType("string", value) || ((string)value!).Length >= (int)wanted,
            "pattern" => !IsOfType("string", value) || Regex.IsMatch((string)value!, (string)wanted!),
            var other => throw new NotSupportedException(other),
        };
    }

    JsonObject Definition(string reference) =>
        reference["#/".Length..].Split('/').Aggregate((JsonNode)root, (node, name) => node[name]!).AsObject();

    static IEnumerable<KeyValuePair<string, JsonNode?>> Others(JsonObject schema, JsonObject whole) =>
        whole.Where(one => schema["properties"]?[one.Key] is null);

    static bool IsOfType(string type, JsonNode? value) =>
        type
        == value switch
        {
            null => "null",
            JsonObject => "object",
            JsonArray => "array",
            JsonValue one when one.TryGetValue<string>(out _) => "string",
            _ => "other",
        };
}
