using System.Collections.Concurrent;
using System.Collections.Immutable;
using Pulumi.Testing;

namespace Infra.Tests.Support;

/// <summary>
/// Stands in for the providers: remembers what was asked for and answers as Google would, with made-up addresses.
/// </summary>
sealed class Cloud : IMocks
{
    /// <summary>What Pulumi appends to a name that the program leaves to it.</summary>
    public const string NameSuffix = "-1a2b3c4";

    public ConcurrentBag<MockResourceArgs> Registered { get; } = [];

    /// <summary>Outputs of the platform stack that are secret.</summary>
    public IReadOnlyList<string> SecretOutputs { get; init; } = [];

    /// <summary>Whether there is a platform stack.</summary>
    public bool HasPlatform { get; init; } = true;

    public Task<(string? id, object state)> NewResourceAsync(MockResourceArgs args)
    {
        if (args.Type == "pulumi:pulumi:StackReference" && !HasPlatform)
            throw new InvalidOperationException($"unknown stack \"{args.Inputs["name"]}\"");

        Registered.Add(args);

        var inputs = args.Inputs;
        var name = inputs.GetValueOrDefault("name") as string ?? $"{args.Name}{NameSuffix}";
        var project = "factory";
        (string Key, object Value)[] outputs = args.Type switch
        {
            "pulumi:pulumi:StackReference" =>
            [
                ("outputs", StackFiles.PlatformOutputs.ToImmutableDictionary()),
                ("secretOutputNames", SecretOutputs.ToImmutableArray()),
            ],
            "gcp:sql/databaseInstance:DatabaseInstance" =>
            [
                ("connectionName", $"{project}:{inputs["region"]}:{name}"),
                ("privateIpAddress", "10.20.0.5"),
                (
                    "serverCaCerts",
                    ImmutableArray.Create<object>(
                        new Dictionary<string, object> { ["cert"] = "PEM of the server's CA" }.ToImmutableDictionary()
                    )
                ),
            ],
            "gcp:serviceaccount/account:Account" =>
            [
                ("email", $"{inputs["accountId"]}@{project}.iam.gserviceaccount.com"),
                ("uniqueId", $"{100 + args.Name!.Length}"),
                ("member", $"serviceAccount:{inputs["accountId"]}@{project}.iam.gserviceaccount.com"),
            ],
            "gcp:monitoring/notificationChannel:NotificationChannel" =>
            [
                ("name", "projects/factory-prod/notificationChannels/1"),
            ],
            "gcp:projects/apiKey:ApiKey" => [("keyString", "plain-text-of-the-sign-in-key"), ("uid", "5e2b7c1a")],
            "gcp:secretmanager/secretVersion:SecretVersion" => [("version", "1")],
            "gcp:compute/globalAddress:GlobalAddress" => [("address", "203.0.113.10")],
            "gcp:certificatemanager/dnsAuthorization:DnsAuthorization" =>
            [
                (
                    "dnsResourceRecords",
                    ImmutableArray.Create<object>(
                        new Dictionary<string, object>
                        {
                            ["name"] = $"_acme-challenge.{inputs["domain"]}.",
                            ["type"] = "CNAME",
                            ["data"] = $"{args.Name}.authorize.certificatemanager.goog.",
                        }.ToImmutableDictionary()
                    )
                ),
            ],
            "gcp:monitoring/uptimeCheckConfig:UptimeCheckConfig" =>
            [
                ("uptimeCheckId", $"{inputs["displayName"]}-check"),
            ],
            "gcp:logging/projectSink:ProjectSink" =>
            [
                ("writerIdentity", "serviceAccount:audit-writer@gcp-sa-logging.iam.gserviceaccount.com"),
            ],
            _ => [],
        };
        var state = inputs.SetItems(
            outputs
                .Select(output => KeyValuePair.Create(output.Key, output.Value))
                .Prepend(KeyValuePair.Create("name", (object)name))
        );
        return Task.FromResult<(string? id, object state)>((Id(args, name), state));
    }

    public Task<object> CallAsync(MockCallArgs args) =>
        throw new NotSupportedException($"The stack calls no function, but {args.Token} was called.");

    static string Id(MockResourceArgs args, string name) =>
        $"{args.Type!.Split('/', ':')[^1]}/{args.Inputs.GetValueOrDefault("secretId") ?? name}";
}
