using System.Collections.Immutable;
using System.Reflection;

namespace Pulumi;

public class Resource
{
    readonly string type;
    readonly string name;
    readonly ImmutableArray<ResourceTransformation> transformations;

    private protected Resource(string type, string name, ResourceArgs? args, ResourceOptions? options)
    {
        this.type = type;
        this.name = name;
        args ??= new ResourceArgs();
        options ??= new CustomResourceOptions();
        var deployment =
            Deployment.Current ?? throw new InvalidOperationException("A resource belongs to a running deployment.");
        var parent = options.Parent ?? deployment.Stack;
        Completions = Completion.OfOutputs(this);

        transformations = [.. options.ResourceTransformations, .. parent?.transformations ?? []];
        foreach (var transformation in transformations)
            if (transformation(new ResourceTransformationArgs(this, args, options)) is { } result)
                (args, options) = (result.Args, result.Options);

        Providers = parent is null ? ImmutableDictionary<string, ProviderResource>.Empty : parent.Providers;
        foreach (var provider in (options as ComponentResourceOptions)?.Providers ?? [])
            Providers = Providers.SetItem(provider.Package, provider);

        Registration = deployment.RegisterAsync(this, parent, args, options);
        deployment.Track(Registration);
    }

    [Output("urn")]
    public Output<string> Urn { get; private protected set; } = null!;

    public string GetResourceType() => type;

    public string GetResourceName() => name;

    internal IReadOnlyDictionary<string, Completion> Completions { get; }

    internal ImmutableDictionary<string, ProviderResource> Providers { get; }

    internal Task Registration { get; }
}

public class CustomResource(string type, string name, ResourceArgs? args, CustomResourceOptions? options = null)
    : Resource(type, name, args, options ?? new CustomResourceOptions())
{
    [Output("id")]
    public Output<string> Id { get; private protected set; } = null!;
}

public class ComponentResource(string type, string name, ComponentResourceOptions? options = null)
    : Resource(type, name, new ResourceArgs(), options ?? new ComponentResourceOptions())
{
    protected void RegisterOutputs(IDictionary<string, object?> outputs)
    {
        // What a component registers is seen by the engine only.
    }
}

public class ProviderResource(string package, string name, ResourceArgs? args, CustomResourceOptions? options = null)
    : CustomResource($"pulumi:providers:{package}", name, args, options)
{
    internal string Package { get; } = package;
}

public class ResourceArgs;

public abstract class ResourceOptions
{
    public Input<string>? Id { get; set; }

    public Resource? Parent { get; set; }

    public InputList<Resource> DependsOn
    {
        get => field ??= new();
        set;
    }

    public bool? Protect { get; set; }

    public List<string> IgnoreChanges
    {
        get => field ??= [];
        set;
    }

    public ProviderResource? Provider { get; set; }

    public List<ResourceTransformation> ResourceTransformations
    {
        get => field ??= [];
        set;
    }

    public Resource? DeletedWith { get; set; }
}

public sealed class CustomResourceOptions : ResourceOptions
{
    public List<string> AdditionalSecretOutputs
    {
        get => field ??= [];
        set;
    }

    public static CustomResourceOptions Merge(CustomResourceOptions? options1, CustomResourceOptions? options2)
    {
        var (first, second) = (options1 ?? new CustomResourceOptions(), options2 ?? new CustomResourceOptions());
        return new CustomResourceOptions
        {
            Id = second.Id ?? first.Id,
            Parent = second.Parent ?? first.Parent,
            DependsOn = first.DependsOn.Concat(second.DependsOn),
            Protect = second.Protect ?? first.Protect,
            IgnoreChanges = [.. first.IgnoreChanges, .. second.IgnoreChanges],
            Provider = second.Provider ?? first.Provider,
            ResourceTransformations = [.. first.ResourceTransformations, .. second.ResourceTransformations],
            DeletedWith = second.DeletedWith ?? first.DeletedWith,
            AdditionalSecretOutputs = [.. first.AdditionalSecretOutputs, .. second.AdditionalSecretOutputs],
        };
    }
}

public sealed class ComponentResourceOptions : ResourceOptions
{
    public List<ProviderResource> Providers
    {
        get => field ??= [];
        set;
    }
}

public sealed class StackOptions
{
    public List<ResourceTransformation> ResourceTransformations
    {
        get => field ??= [];
        set;
    }
}

public delegate ResourceTransformationResult? ResourceTransformation(ResourceTransformationArgs args);

public readonly struct ResourceTransformationArgs(Resource resource, ResourceArgs args, ResourceOptions options)
{
    public Resource Resource { get; } = resource;

    public ResourceArgs Args { get; } = args;

    public ResourceOptions Options { get; } = options;
}

public readonly struct ResourceTransformationResult(ResourceArgs args, ResourceOptions options)
{
    public ResourceArgs Args { get; } = args;

    public ResourceOptions Options { get; } = options;
}

[AttributeUsage(AttributeTargets.Field | AttributeTargets.Property)]
public sealed class InputAttribute(string name, bool required = false, bool json = false) : Attribute
{
    internal string Name { get; } = name;

    internal bool IsRequired { get; } = required;

    internal bool Json { get; } = json;
}

[AttributeUsage(AttributeTargets.Property)]
public sealed class OutputAttribute(string? name = null) : Attribute
{
    public string? Name { get; } = name;
}

[AttributeUsage(AttributeTargets.Class)]
public sealed class OutputTypeAttribute : Attribute;

[AttributeUsage(AttributeTargets.Constructor)]
public sealed class OutputConstructorAttribute : Attribute;

/// <summary>The promise behind one output property of a resource.</summary>
abstract class Completion
{
    public abstract void Set(object? value);

    public abstract void Fail(Exception exception);

    public static IReadOnlyDictionary<string, Completion> OfOutputs(Resource resource)
    {
        var completions = new Dictionary<string, Completion>();
        for (var type = resource.GetType(); type != null; type = type.BaseType)
            foreach (
                var property in type.GetProperties(
                    BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly
                )
            )
            {
                if (property.GetCustomAttribute<OutputAttribute>() is not { } attribute)
                    continue;

                var completion = (Completion)
                    Activator.CreateInstance(
                        typeof(Completion<>).MakeGenericType(property.PropertyType.GetGenericArguments())
                    )!;
                property.SetValue(resource, completion.GetType().GetProperty("Output")!.GetValue(completion));
                completions[attribute.Name ?? property.Name] = completion;
            }

        return completions;
    }
}

sealed class Completion<T> : Completion
{
    readonly TaskCompletionSource<OutputData<T>> source = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Completion() => Output = new Output<T>(source.Task);

    public Output<T> Output { get; }

    public override void Fail(Exception exception) => source.TrySetException(exception);

    public override void Set(object? value) =>
        source.SetResult(new OutputData<T>((T)Wire.Read(value, typeof(T))!, IsSecret: false));
}
