using YamlDotNet.RepresentationModel;

namespace Infra.Tests.Support;

/// <summary>A workflow as it stands in the repository.</summary>
static class WorkflowFile
{
    public static string Folder { get; } = Path.Combine(StackFiles.Root, ".github", "workflows");

    public static YamlMappingNode Load(string file) => StackFiles.Load(Path.Combine(".github", "workflows", file));

    public static List<(string Name, YamlMappingNode Node)> Jobs(string file) =>
        [.. Mapping(Load(file), "jobs")!.Children.Select(pair => (pair.Key.ToString(), (YamlMappingNode)pair.Value))];

    public static IEnumerable<YamlMappingNode> Steps(YamlMappingNode job) =>
        ((YamlSequenceNode)Child(job, "steps")!).Children.Cast<YamlMappingNode>();

    public static IEnumerable<YamlMappingNode> Checkouts(YamlMappingNode job) =>
        Steps(job)
            .Where(step => Scalar(step, "uses")?.StartsWith("actions/checkout@", StringComparison.Ordinal) == true)
            .Select(step => Mapping(step, "with")!);

    public static YamlNode? Child(YamlMappingNode node, string key) =>
        node.Children.TryGetValue(key, out var child) ? child : null;

    public static YamlMappingNode? Mapping(YamlMappingNode node, string key) => Child(node, key) as YamlMappingNode;

    public static string? Scalar(YamlMappingNode node, string key) => (Child(node, key) as YamlScalarNode)?.Value;

    public static string[] Texts(YamlMappingNode node, string key) =>
        Child(node, key) switch
        {
            YamlScalarNode scalar => [scalar.Value!],
            YamlSequenceNode sequence => [.. sequence.Children.Select(child => child.ToString())],
            _ => [],
        };
}
