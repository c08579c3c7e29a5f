using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Reflection;
using System.Text.Json;
using Pulumi.Testing;

namespace Pulumi
{
    /// <summary>One run of a program against mocks.</summary>
    public sealed class Deployment
    {
        static readonly AsyncLocal<Deployment?> Running = new();

        readonly ConcurrentQueue<Task> work = [];
        readonly ConcurrentQueue<Resource> resources = [];
        readonly IMocks mocks;
        readonly ImmutableDictionary<string, string> config = ParseConfig();

        Deployment(IMocks mocks, TestOptions? options)
        {
            if (options?.IsPreview != false)
                throw new NotSupportedException("The double knows no unknown values: set IsPreview to false.");

            this.mocks = mocks;
            ProjectName = options.ProjectName ?? "project";
            StackName = options.StackName ?? "stack";
        }

        public static DeploymentInstance Instance =>
            new(
                Current
                    ?? throw new InvalidOperationException(
                        "Trying to acquire Deployment.Instance before 'Run' was called."
                    )
            );

        internal static Deployment? Current => Running.Value;

        internal string ProjectName { get; }

        internal string StackName { get; }

        internal Stack? Stack { get; set; }

        public static async Task<ImmutableArray<Resource>> TestAsync<TStack>(IMocks mocks, TestOptions? options = null)
            where TStack : Stack, new()
        {
            var deployment = new Deployment(mocks, options);
            Running.Value = deployment;
            await deployment.RunAsync(() => _ = new TStack()).ConfigureAwait(false);
            return [.. deployment.resources];
        }

        internal string? Setting(string key) => config.GetValueOrDefault(key);

        internal void Track(Task task) => work.Enqueue(task);

        internal async Task RegisterAsync(
            Resource resource,
            Resource? parent,
            ResourceArgs args,
            ResourceOptions options
        )
        {
            try
            {
                await CompleteAsync(resource, parent, args, options).ConfigureAwait(false);
            }
            catch (Exception exception)
            {
                // Whoever waits for an output learns it too.
                foreach (var completion in resource.Completions.Values)
                    completion.Fail(exception);
                throw;
            }
        }

        async Task CompleteAsync(Resource resource, Resource? parent, ResourceArgs args, ResourceOptions options)
        {
            // Registration runs beside the program, as it does in the SDK.
            await Task.Yield();
            resources.Enqueue(resource);
            var type = resource.GetResourceType();
            var dependencies = await Utilities
                .OutputUtilities.GetValueAsync(options.DependsOn.ToOutput())
                .ConfigureAwait(false);
            await Task.WhenAll(dependencies.Select(dependency => dependency.Registration)).ConfigureAwait(false);
            var provider = options.Provider ?? resource.Providers.GetValueOrDefault(type.Split(':')[0]);
            var inputs = await Wire.WriteAsync(args).ConfigureAwait(false);
            var parentUrn = parent is null
                ? null
                : await Utilities.OutputUtilities.GetValueAsync(parent.Urn).ConfigureAwait(false);
            var urn = Urn(parentUrn, type, resource.GetResourceName());
            string? id = null;
            var state = ImmutableDictionary<string, object>.Empty;
            if (resource is not Pulumi.Stack)
            {
                (id, var answer) = await mocks
                    .NewResourceAsync(
                        new MockResourceArgs
                        {
                            Type = type,
                            Name = resource.GetResourceName(),
                            Inputs = inputs,
                            Provider =
                                provider is null || resource is ComponentResource
                                    ? ""
                                    : await ReferenceAsync(provider).ConfigureAwait(false),
                            Id = options.Id is null
                                ? null
                                : await Utilities
                                    .OutputUtilities.GetValueAsync(options.Id.ToOutput())
                                    .ConfigureAwait(false),
                        }
                    )
                    .ConfigureAwait(false);
                state = (ImmutableDictionary<string, object>)(await Wire.WriteAsync(answer).ConfigureAwait(false))!;
            }

            foreach (var (name, completion) in resource.Completions)
                completion.Set(
                    name switch
                    {
                        "urn" => urn,
                        "id" => id,
                        _ => state.GetValueOrDefault(name),
                    }
                );
        }

        static async Task<string> ReferenceAsync(ProviderResource provider)
        {
            var urn = await Utilities.OutputUtilities.GetValueAsync(provider.Urn).ConfigureAwait(false);
            return $"{urn}::{await Utilities.OutputUtilities.GetValueAsync(provider.Id).ConfigureAwait(false)}";
        }

        static ImmutableDictionary<string, string> ParseConfig() =>
            Environment.GetEnvironmentVariable("PULUMI_CONFIG") is { } json
                ? JsonDocument
                    .Parse(json)
                    .RootElement.EnumerateObject()
                    .ToImmutableDictionary(property => property.Name, property => property.Value.ToString())
                : ImmutableDictionary<string, string>.Empty;

        string Urn(string? parent, string type, string name)
        {
            var qualified = parent is null ? type : $"{parent.Split("::")[2].Split('$')[0]}${type}";
            return $"urn:pulumi:{StackName}::{ProjectName}::{qualified}::{name}";
        }

        async Task RunAsync(Action program)
        {
            try
            {
                program();
                while (work.TryDequeue(out var task))
                    await task.ConfigureAwait(false);
            }
            catch (Exception exception)
            {
                // Where the constructor of the stack throws, 'new TStack()' wraps it.
                var cause = exception is TargetInvocationException { InnerException: { } inner } ? inner : exception;
                throw new RunException(
                    cause is RunException
                        ? cause.Message
                        : $"Running program failed with an unhandled exception:\n{cause}"
                );
            }
        }
    }

    public sealed class DeploymentInstance
    {
        readonly Deployment deployment;

        internal DeploymentInstance(Deployment deployment) => this.deployment = deployment;

        public string ProjectName => deployment.ProjectName;

        public string StackName => deployment.StackName;
    }

    public sealed class Config(string? name = null)
    {
        readonly string name = name ?? Deployment.Instance.ProjectName;

        public string? Get(string key) => Deployment.Current!.Setting($"{name}:{key}");
    }

    public class RunException(string message) : Exception(message);

    public class Stack : ComponentResource
    {
        public Stack(StackOptions? options = null)
            : base(
                "pulumi:pulumi:Stack",
                $"{Deployment.Instance.ProjectName}-{Deployment.Instance.StackName}",
                new ComponentResourceOptions { ResourceTransformations = options?.ResourceTransformations ?? [] }
            ) => Deployment.Current!.Stack = this;
    }

    public class StackReference(string name, StackReferenceArgs? args = null, CustomResourceOptions? options = null)
        : CustomResource(
            "pulumi:pulumi:StackReference",
            name,
            new StackReferenceArgs { Name = args?.Name ?? name },
            CustomResourceOptions.Merge(options, new CustomResourceOptions { Id = args?.Name ?? name })
        )
    {
        [Output("outputs")]
        public Output<ImmutableDictionary<string, object>> Outputs { get; private set; } = null!;

        [Output("secretOutputNames")]
        public Output<ImmutableArray<string>> SecretOutputNames { get; private set; } = null!;

        public async Task<StackReferenceOutputDetails> GetOutputDetailsAsync(string name)
        {
            var value = (
                await Utilities.OutputUtilities.GetValueAsync(Outputs).ConfigureAwait(false)
            ).GetValueOrDefault(name);
            var secrets = await Utilities.OutputUtilities.GetValueAsync(SecretOutputNames).ConfigureAwait(false);
            return secrets.Contains(name)
                ? new StackReferenceOutputDetails { SecretValue = value }
                : new StackReferenceOutputDetails { Value = value };
        }
    }

    public class StackReferenceArgs : ResourceArgs
    {
        [Input("name", required: true)]
        public Input<string>? Name { get; set; }
    }

    public sealed class StackReferenceOutputDetails
    {
        public object? Value { get; set; }

        public object? SecretValue { get; set; }
    }
}

namespace Pulumi.Testing
{
    public interface IMocks
    {
        Task<(string? id, object state)> NewResourceAsync(MockResourceArgs args);

        Task<object> CallAsync(MockCallArgs args);
    }

    public class MockResourceArgs
    {
        public string? Type { get; set; }

        public string? Name { get; set; }

        public ImmutableDictionary<string, object> Inputs { get; set; } = null!;

        public string? Provider { get; set; }

        public string? Id { get; set; }
    }

    public class MockCallArgs
    {
        public string? Token { get; set; }

        public ImmutableDictionary<string, object> Args { get; set; } = null!;

        public string? Provider { get; set; }
    }

    public class TestOptions
    {
        public string? ProjectName { get; set; }

        public string? StackName { get; set; }

        public bool? IsPreview { get; set; }
    }
}
