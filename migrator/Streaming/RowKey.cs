namespace Migrator.Streaming;

/// <summary>A row's key, as text.</summary>
public sealed class RowKey(string[] values) : IEquatable<RowKey>
{
    public string[] Values => values;

    public bool Equals(RowKey? other) => other is not null && values.AsSpan().SequenceEqual(other.Values);

    public override bool Equals(object? obj) => Equals(obj as RowKey);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var value in values)
            hash.Add(value);
        return hash.ToHashCode();
    }

    public override string ToString() => string.Join(", ", values);
}
