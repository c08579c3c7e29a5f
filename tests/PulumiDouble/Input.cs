using System.Collections;
using System.Collections.Immutable;

namespace Pulumi;

public class Input<T> : IInput
{
    private protected Input(Output<T> output) => Value = output;

    internal Output<T> Value { get; private protected set; }

    IOutput IInput.Output => Value;

    public static implicit operator Input<T>(T value) => new(Output.Create(value));

    public static implicit operator Input<T>(Output<T> value) => new(value);

    public static implicit operator Output<T>(Input<T> input) => input.Value;
}

public static class InputExtensions
{
    public static Output<T> ToOutput<T>(this Input<T>? input) => input?.Value ?? Output.Create(default(T)!);
}

public sealed class InputList<T> : Input<ImmutableArray<T>>, IEnumerable
{
    readonly List<Input<T>> items = [];

    public InputList()
        : this([]) { }

    InputList(IEnumerable<Input<T>> items)
        : base(Output.All(items)) => this.items.AddRange(items);

    public void Add(params Input<T>[] inputs)
    {
        items.AddRange(inputs);
        Value = Output.All([.. items]);
    }

    internal InputList<T> Concat(InputList<T> other) => new([.. items, .. other.items]);

    IEnumerator IEnumerable.GetEnumerator() =>
        throw new NotSupportedException("A list of inputs is not known until the program has run.");

    public static implicit operator InputList<T>(T[] values) => new([.. values.Select(value => (Input<T>)value)]);

    public static implicit operator InputList<T>(Input<T>[] values) => new([.. values]);

    public static implicit operator InputList<T>(Output<T>[] values) =>
        new([.. values.Select(value => (Input<T>)value)]);
}

public sealed class InputMap<TValue> : Input<ImmutableDictionary<string, TValue>>, IEnumerable
{
    ImmutableSortedDictionary<string, Input<TValue>> items = ImmutableSortedDictionary<string, Input<TValue>>.Empty;

    public InputMap()
        : base(Output.Create(ImmutableDictionary<string, TValue>.Empty)) { }

    public Input<TValue> this[string key]
    {
        set
        {
            var current = items = items.Add(key, value);
            Value = Output
                .All(current.Values)
                .Apply(values =>
                    current.Keys.Zip(values).ToImmutableDictionary(pair => pair.First, pair => pair.Second)
                );
        }
    }

    IEnumerator IEnumerable.GetEnumerator() =>
        throw new NotSupportedException("A map of inputs is not known until the program has run.");

    public static implicit operator InputMap<TValue>(ImmutableDictionary<string, TValue> values)
    {
        var map = new InputMap<TValue>();
        foreach (var (key, value) in values)
            map[key] = value;

        return map;
    }
}

interface IInput
{
    IOutput Output { get; }
}
