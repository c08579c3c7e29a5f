using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Text.Json;
using Platforms;
using Pulumi;
using Pulumi.Testing;
using Pulumi.Utilities;

namespace Infra.Tests.Support;

/// <summary>Everything that a stack declares, as Pulumi's engine would see it.</summary>
sealed record Graph(string Stack, IReadOnlyList<Node> Nodes, TenantStack Outputs)
{
    static readonly ConcurrentDictionary<string, Task<Graph>> Graphs = [];

    /// <summary>The graph of a stack as it stands in the repository; made once.</summary>
    public static Task<Graph> OfAsync(string stack) =>
        Graphs.GetOrAdd(stack, name => DeployAsync(name, StackFiles.Settings(name)));

    /// <summary>The graph of a stack with some settings changed; <c>null</c> takes one away.</summary>
    public static Task<Graph> OfAsync(string stack, params (string Key, string? Value)[] changes) =>
        DeployAsync(stack, Changed(StackFiles.Settings(stack), changes));

    /// <summary>What went wrong, and what had been registered by then.</summary>
    public static async Task<(string Message, IReadOnlyCollection<MockResourceArgs> Registered)> FaultAsync(
        string stack,
        string settingsOf,
        params (string Key, string? Value)[] changes
    ) => await FaultAsync(new Cloud(), stack, settingsOf, changes);

    public static async Task<(string Message, IReadOnlyCollection<MockResourceArgs> Registered)> FaultAsync(
        Cloud cloud,
        string stack,
        string settingsOf,
        params (string Key, string? Value)[] changes
    )
    {
        Configure(Changed(StackFiles.Settings(settingsOf), changes));
        var exception = await Assert.ThrowsAsync<RunException>(() =>
            Deployment.TestAsync<TenantStack>(cloud, Options(stack))
        );
        return (exception.Message, cloud.Registered);
    }

    public static async Task<Graph> DeployAsync(string stack, IReadOnlyDictionary<string, string> settings)
    {
        var cloud = new Cloud();
        Configure(settings);
        // Deployment.TestAsync makes the stack itself; the observer cannot be handed in.
        ObservedStack.Seen = [];
        var resources = await Deployment.TestAsync<ObservedStack>(cloud, Options(stack));
        return new Graph(stack, await NodesAsync(cloud, ObservedStack.Seen), resources.OfType<TenantStack>().Single());
    }

    /// <summary>The platform's graph, which has outputs of its own.</summary>
    public static async Task<(Graph Graph, PlatformStack Outputs)> PlatformAsync(
        params (string Key, string? Value)[] changes
    )
    {
        var cloud = new Cloud();
        Configure(PlatformSettings(changes));
        ObservedPlatform.Seen = [];
        var resources = await Deployment.TestAsync<ObservedPlatform>(
            cloud,
            new TestOptions
            {
                ProjectName = "platform",
                StackName = "prod",
                IsPreview = false,
            }
        );
        return (
            new Graph("platform", await NodesAsync(cloud, ObservedPlatform.Seen), null!),
            resources.OfType<PlatformStack>().Single()
        );
    }

    static Dictionary<string, string> PlatformSettings((string Key, string? Value)[] changes)
    {
        var settings = new Dictionary<string, string>
        {
            ["project"] = "factory-prod",
            ["projectNumber"] = "123456789012",
            ["region"] = "europe-west3",
            ["dnsDomain"] = "factory.example.com.",
            ["billingAccount"] = "01AB23-45CD67-89EF01",
            ["alertEmail"] = "platform@example.com",
            ["repository"] = "factory/tenant-promotion",
            ["repositoryId"] = "987654321",
            ["imagePublicKey"] = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZI\n-----END PUBLIC KEY-----\n",
            ["migratorImage"] =
                $"europe-west3-docker.pkg.dev/factory-prod/images/migrator@sha256:{new string('c', 64)}",
            ["sharedDatabaseHost"] = "10.10.0.3",
            ["sharedDatabasePassword"] = "plain-text-of-the-shared-password",
            ["sharedDatabaseCa"] = "plain-text-of-the-authority",
        };
        foreach (var (key, value) in changes)
            settings[key] = value ?? "";
        return settings.ToDictionary(pair => $"platform:{pair.Key}", pair => pair.Value);
    }

    static async Task<IReadOnlyList<Node>> NodesAsync(Cloud cloud, IEnumerable<ResourceTransformationArgs> all)
    {
        var nodes = new List<Node>();
        foreach (var seen in all)
        {
            var type = seen.Resource.GetResourceType();
            if (type is "pulumi:pulumi:Stack" or "pulumi:pulumi:StackReference")
                continue;

            var registered = cloud.Registered.Single(args =>
                args.Type == type && args.Name == seen.Resource.GetResourceName()
            );
            var dependencies = await OutputUtilities.GetValueAsync(
                ((Input<ImmutableArray<Resource>>)seen.Options.DependsOn).ToOutput()
            );
            nodes.Add(
                new Node(
                    type,
                    seen.Resource.GetResourceName(),
                    seen.Options.Parent is { } parent ? Label(parent) : "stack",
                    registered.Inputs,
                    [.. dependencies.Select(Label).Order(StringComparer.Ordinal)],
                    seen.Options.Protect ?? false,
                    [.. seen.Options.IgnoreChanges],
                    seen.Options.DeletedWith is { } with ? Label(with) : null,
                    registered.Provider is { Length: > 0 } provider ? provider.Split("::")[3] : null,
                    (seen.Options as CustomResourceOptions)?.AdditionalSecretOutputs ?? [],
                    seen.Args
                )
            );
        }

        return [.. nodes.OrderBy(node => node.Label, StringComparer.Ordinal)];
    }

    /// <summary>All of a type, by the type's last part: <c>BackendService</c>.</summary>
    public IReadOnlyList<Node> All(string type) =>
        [
            .. Nodes.Where(node =>
                node.Type.EndsWith($":{type}", StringComparison.Ordinal)
                && !node.Type.StartsWith("tenant:", StringComparison.Ordinal)
                && !node.Type.StartsWith("platform:", StringComparison.Ordinal)
            ),
        ];

    /// <summary>The only one of a type, or the only one of that name.</summary>
    public Node One(string type, string? name = null) =>
        Assert.Single(All(type), node => name is null || node.Name == name);

    static string Label(Resource resource) => $"{resource.GetResourceType()} {resource.GetResourceName()}";

    static Dictionary<string, string> Changed(
        Dictionary<string, string> settings,
        (string Key, string? Value)[] changes
    )
    {
        foreach (var (key, value) in changes)
        {
            if (value is null)
                settings.Remove($"{StackFiles.Project}:{key}");
            else
                settings[$"{StackFiles.Project}:{key}"] = value;
        }

        return settings;
    }

    // Pulumi reads its settings from the process's environment, which is why no two tests run at a time.
    static void Configure(IReadOnlyDictionary<string, string> settings) =>
        Environment.SetEnvironmentVariable("PULUMI_CONFIG", JsonSerializer.Serialize(settings));

    static TestOptions Options(string stack) =>
        new()
        {
            ProjectName = StackFiles.Project,
            StackName = stack,
            IsPreview = false,
        };

    /// <summary>The platform, seen likewise.</summary>
    sealed class ObservedPlatform()
        : PlatformStack(
            new StackOptions
            {
                ResourceTransformations =
                {
                    args =>
                    {
                        Seen.Add(args);
                        return null;
                    },
                },
            }
        )
    {
        public static ConcurrentBag<ResourceTransformationArgs> Seen { get; set; } = [];
    }

    /// <summary>Options are seen by transformations only, not by mocks.</summary>
    sealed class ObservedStack()
        : TenantStack(
            new StackOptions
            {
                ResourceTransformations =
                {
                    args =>
                    {
                        Seen.Add(args);
                        return null;
                    },
                },
            }
        )
    {
        public static ConcurrentBag<ResourceTransformationArgs> Seen { get; set; } = [];
    }
}

/// <summary>One resource of a graph.</summary>
sealed record Node(
    string Type,
    string Name,
    string Parent,
    ImmutableDictionary<string, object> Inputs,
    IReadOnlyList<string> DependsOn,
    bool Protect,
    IReadOnlyList<string> IgnoreChanges,
    string? DeletedWith,
    string? Provider,
    IReadOnlyList<string> SecretOutputs,
    ResourceArgs Args
)
{
    public string Label => $"{Type} {Name}";

    /// <summary>
    /// An input by path, such as <c>settings.databaseFlags.0.name</c>; <c>null</c> when it is not set.
    /// </summary>
    public object? this[string path]
    {
        get
        {
            object? value = Inputs;
            foreach (var step in path.Split('.'))
                value = value switch
                {
                    ImmutableDictionary<string, object> map => map.GetValueOrDefault(step),
                    ImmutableArray<object> list => int.Parse(step) < list.Length ? list[int.Parse(step)] : null,
                    _ => null,
                };

            return value;
        }
    }

    /// <summary>A text by path.</summary>
    public string? Text(string path) => (string?)this[path];

    /// <summary>A list of objects by path; empty when it is not set.</summary>
    public IReadOnlyList<Node> List(string path) =>
        [
            .. ((ImmutableArray<object>?)this[path] ?? []).Select(item =>
                this with
                {
                    Inputs = (ImmutableDictionary<string, object>)item,
                }
            ),
        ];

    /// <summary>A list of texts by path; empty when it is not set.</summary>
    public IReadOnlyList<string> Texts(string path) => [.. ((ImmutableArray<object>?)this[path] ?? []).Cast<string>()];
}
