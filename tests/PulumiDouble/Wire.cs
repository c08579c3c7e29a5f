using System.Collections;
using System.Collections.Immutable;
using System.Reflection;
using System.Text.Json;

namespace Pulumi;

/// <summary>
/// Arguments as the engine sees them, and its answers as the program sees them: texts, numbers (doubles), flags, lists
/// and maps.
/// </summary>
static class Wire
{
    public static async Task<ImmutableDictionary<string, object>> WriteAsync(ResourceArgs args)
    {
        var properties = ImmutableDictionary.CreateBuilder<string, object>();
        const BindingFlags Own = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance;
        foreach (var member in args.GetType().GetMembers(Own))
        {
            if (member.GetCustomAttribute<InputAttribute>() is not { } input)
                continue;

            var value = await WriteAsync(
                    member is FieldInfo field ? field.GetValue(args) : ((PropertyInfo)member).GetValue(args)
                )
                .ConfigureAwait(false);
            if (value is null && input.IsRequired)
                throw new ArgumentNullException(
                    member.Name,
                    $"[Input] {args.GetType()}.{member.Name} is required but was not given a value"
                );
            if (value is not null)
                properties.Add(input.Name, input.Json ? JsonSerializer.Serialize(value) : value);
        }

        return properties.ToImmutable();
    }

    public static async Task<object?> WriteAsync(object? value)
    {
        switch (value)
        {
            case null or string or bool or double:
                return value;
            case int number:
                return (double)number;
            case IInput input:
                return await WriteAsync((await input.Output.DataAsync().ConfigureAwait(false)).Value)
                    .ConfigureAwait(false);
            case IOutput output:
                return await WriteAsync((await output.DataAsync().ConfigureAwait(false)).Value).ConfigureAwait(false);
            case ResourceArgs args:
                return await WriteAsync(args).ConfigureAwait(false);
            case IDictionary map:
                var properties = ImmutableDictionary.CreateBuilder<string, object>();
                foreach (DictionaryEntry entry in map)
                    if (await WriteAsync(entry.Value).ConfigureAwait(false) is { } item)
                        properties.Add((string)entry.Key, item);
                return properties.ToImmutable();
            case IList list:
                var items = ImmutableArray.CreateBuilder<object>();
                foreach (var item in list)
                    items.Add((await WriteAsync(item).ConfigureAwait(false))!);
                return items.ToImmutable();
            default:
                throw new InvalidOperationException($"{value.GetType().FullName} is not a supported argument type.");
        }
    }

    public static object? Read(object? value, Type type)
    {
        if (value is null)
            return type.IsValueType ? Activator.CreateInstance(type) : null;

        var target = Nullable.GetUnderlyingType(type) ?? type;
        if (target.IsInstanceOfType(value))
            return value;

        if (target == typeof(int) && value is double number)
            return (int)number;

        if (
            target.IsGenericType
            && target.GetGenericTypeDefinition() == typeof(ImmutableArray<>)
            && value is ImmutableArray<object> items
        )
        {
            var element = target.GetGenericArguments()[0];
            var array = Array.CreateInstance(element, items.Length);
            for (var index = 0; index < items.Length; index++)
                array.SetValue(Read(items[index], element), index);

            return typeof(ImmutableArray)
                .GetMethods()
                .Single(method =>
                    method.Name == nameof(ImmutableArray.Create)
                    && method.GetParameters() is [{ ParameterType.IsArray: true }]
                )
                .MakeGenericMethod(element)
                .Invoke(null, [array]);
        }

        if (
            target.GetCustomAttribute<OutputTypeAttribute>() is not null
            && value is ImmutableDictionary<string, object> fields
        )
        {
            var constructor = target
                .GetConstructors(BindingFlags.NonPublic | BindingFlags.Instance)
                .Single(candidate => candidate.GetCustomAttribute<OutputConstructorAttribute>() is not null);
            return constructor.Invoke([
                .. constructor
                    .GetParameters()
                    .Select(parameter => Read(fields.GetValueOrDefault(parameter.Name!), parameter.ParameterType)),
            ]);
        }

        throw new InvalidOperationException($"Expected {target} but got {value.GetType()}.");
    }
}
