using System.Reflection;
using System.Text.Json;
using YamlDotNet.RepresentationModel;

namespace Infra.Tests.Support;

/// <summary>
/// The repository's own Pulumi files, read as the CLI reads them: the project's defaults below the stack's values.
/// </summary>
static class StackFiles
{
    public const string Project = "tenant";

    public static readonly string Root = typeof(StackFiles)
        .Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(metadata => metadata.Key == "RepositoryRoot")
        .Value!;

    /// <summary>Keys that Pulumi.yaml declares.</summary>
    public static readonly IReadOnlyDictionary<string, YamlMappingNode> Declared = Mapping(
        Load("Pulumi.yaml"),
        "config"
    )
        .Children.ToDictionary(pair => ((YamlScalarNode)pair.Key).Value!, pair => (YamlMappingNode)pair.Value);

    /// <summary>
    /// Settings that stand encrypted in a stack's file and are therefore missing from a committed example.
    /// </summary>
    public static readonly IReadOnlyDictionary<string, string> Secrets = new Dictionary<string, string>
    {
        ["databasePassword"] = "plain-text-of-the-Password-of-database-1",
        ["signingKey"] = "plain-text-of-the-signing-key-of-this-tenant",
    };

    /// <summary>What the platform stack has as outputs.</summary>
    public static readonly IReadOnlyDictionary<string, object> PlatformOutputs = new Dictionary<string, object>
    {
        ["project"] = "factory-prod",
        ["region"] = "europe-west3",
        ["network"] = "projects/factory-prod/global/networks/main",
        ["subnetwork"] = "projects/factory-prod/regions/europe-west3/subnetworks/run",
        ["privateServicesRange"] = "google-managed-services",
        ["dnsZone"] = "factory",
        ["dnsDomain"] = "factory.example.com.",
        ["notificationChannels"] = new[]
        {
            "projects/factory-prod/notificationChannels/2000000000000000001",
            "projects/factory-prod/notificationChannels/2000000000000000002",
        },
        ["artifactRegistry"] = "europe-west3-docker.pkg.dev/factory-prod/images",
        ["billingAccount"] = "01AB23-45CD67-89EF01",
        ["auditProject"] = "factory-audit",
        ["sharedDatabaseHost"] = "10.10.0.3",
        ["sharedDatabasePort"] = 5433,
        ["sharedDatabaseSecret"] = "factorydb-password",
        ["sharedDatabaseCaSecret"] = "factorydb-ca",
        ["projectNumber"] = "123456789012",
        ["dataKeyRing"] = "projects/factory-prod/locations/europe-west3/keyRings/tenants",
    };

    /// <summary>
    /// Stacks that the golden file records: both committed examples, and a tenant of the strictest plan.
    /// </summary>
    public static readonly string[] Stacks = ["dev", "acme-corp", "globex-health"];

    /// <summary>A stack's settings with the project's defaults and the secrets filled in, by full key.</summary>
    public static Dictionary<string, string> Settings(string stack)
    {
        var settings = Defaults();
        foreach (
            var (key, value) in stack switch
            {
                "dev" or "acme-corp" => Mapping(Load($"Pulumi.{stack}.yaml"), "config")
                    .Children.Select(pair => (((YamlScalarNode)pair.Key).Value!, Text(pair.Value))),
                _ => Settings("acme-corp").Select(pair => (pair.Key, pair.Value)),
            }
        )
            settings[key] = value;

        foreach (var (key, value) in Secrets)
            settings[$"{Project}:{key}"] = value;

        if (stack == "globex-health")
        {
            settings[$"{Project}:tier"] = "regulated";
            settings[$"{Project}:manageRoles"] = "true";
        }

        return settings;
    }

    /// <summary>What a stack's file sets, by full key.</summary>
    public static IEnumerable<(string Key, string Value)> Values(string path) =>
        Mapping(Load(path), "config").Children.Select(pair => (((YamlScalarNode)pair.Key).Value!, Text(pair.Value)));

    /// <summary>The whole of a YAML file of the repository.</summary>
    public static YamlMappingNode Load(string path)
    {
        var stream = new YamlStream();
        using var reader = File.OpenText(Path.Combine(Root, path));
        stream.Load(reader);
        return (YamlMappingNode)stream.Documents[0].RootNode;
    }

    static Dictionary<string, string> Defaults() =>
        Declared
            .Where(pair => pair.Value.Children.ContainsKey("default"))
            .ToDictionary(pair => $"{Project}:{pair.Key}", pair => Text(pair.Value.Children["default"]));

    static string Text(YamlNode node) =>
        node is YamlSequenceNode list
            ? JsonSerializer.Serialize(list.Children.Select(item => ((YamlScalarNode)item).Value))
            : ((YamlScalarNode)node).Value!;

    static YamlMappingNode Mapping(YamlMappingNode node, string key) => (YamlMappingNode)node.Children[key];
}
