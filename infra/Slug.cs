using System.Text.RegularExpressions;

namespace Infra;

/// <summary>
/// A tenant's name as it stands in host names, database names and labels. The stack is named after it, and the migrator
/// accepts the same syntax.
/// </summary>
public readonly partial record struct Slug
{
    /// <summary>Longest slug: <c>tenant_</c> and 56 characters fill a PostgreSQL identifier of 63 bytes.</summary>
    public const int MaxLength = 56;

    /// <summary>What a slug looks like, for a message.</summary>
    public const string Syntax = "lower-case letters, digits and single hyphens between them, at most 56 characters";

    readonly string _text;

    Slug(string text) => _text = text;

    /// <summary>Accepts exactly the slug syntax; nothing is trimmed, folded or repaired.</summary>
    public static bool TryParse(string? text, out Slug slug)
    {
        var legal = text is { Length: <= MaxLength } && Pattern().IsMatch(text);
        slug = legal ? new Slug(text!) : default;
        return legal;
    }

    /// <inheritdoc/>
    public override string ToString() => _text;

    // \z, not $: a trailing newline is not part of a slug.
    [GeneratedRegex(@"\A[a-z0-9]+(-[a-z0-9]+)*\z")]
    private static partial Regex Pattern();
}
