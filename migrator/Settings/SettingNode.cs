namespace Migrator.Settings;

/// <summary>A value of a settings file, and where it stands.</summary>
/// <param name="Place">Line and column.</param>
sealed record SettingNode(string Place)
{
    /// <summary>The value, if it is a text.</summary>
    public string? Text { get; init; }

    /// <summary>The fields of an object; null for any other value.</summary>
    public IReadOnlyList<(string Key, SettingNode Value)>? Fields { get; init; }

    /// <summary>The items of a list; null for any other value.</summary>
    public IReadOnlyList<SettingNode>? Items { get; init; }

    public SettingNode? this[string key] => Fields?.FirstOrDefault(one => one.Key == key).Value;

    /// <summary>The keys of an object, in order.</summary>
    public string Keys => string.Join(" ", (Fields ?? []).Select(one => one.Key).Order(StringComparer.Ordinal));
}
