using System.Text.Json.Nodes;

namespace Infra.Tests.Support;

/// <summary>A graph as <c>pulumi preview --json</c> writes it on an empty state.</summary>
static class PreviewJson
{
    public static JsonObject Of(Graph graph) =>
        new()
        {
            ["config"] = new JsonObject { ["tenant:decommission"] = "false" },
            ["steps"] = new JsonArray([.. graph.Nodes.Select(node => Step("create", null, State(node, graph.Stack)))]),
        };

    /// <summary>A step of the engine: what there was, and what there will be.</summary>
    public static JsonObject Step(string op, JsonNode? old, JsonNode? now) =>
        new()
        {
            ["op"] = op,
            ["urn"] = (now ?? old)!["urn"]!.DeepClone(),
            ["oldState"] = old?.DeepClone(),
            ["newState"] = now?.DeepClone(),
        };

    /// <summary>The planned state of a resource, to be changed at will.</summary>
    public static JsonNode State(JsonObject preview, string type, string? name = null) =>
        preview["steps"]!
            .AsArray()
            .Select(step => step!["newState"]!)
            .Single(state =>
                ((string)state["type"]!).EndsWith($":{type}", StringComparison.Ordinal)
                && (name is null || ((string)state["urn"]!).EndsWith($"::{name}", StringComparison.Ordinal))
            );

    static JsonObject State(Node node, string stack) =>
        new()
        {
            ["urn"] = $"urn:pulumi:{stack}::tenant::{node.Type}::{node.Name}",
            ["type"] = node.Type,
            ["protect"] = node.Protect,
            ["inputs"] = System.Text.Json.JsonSerializer.SerializeToNode(node.Inputs),
        };
}
