using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace Migrator.Model;

/// <summary>
/// A tenant's short name, which users type and which is part of host names and database names:
/// <see cref="Rule"/>.
/// </summary>
/// <remarks>
/// The limit keeps <c>tenant_&lt;slug&gt;</c> within PostgreSQL's 63 bytes for a name
/// (https://www.postgresql.org/docs/current/limits.html); underscores are not allowed, so two slugs never meet in one
/// database name.
/// The program in infra/ compiles this file too: a stack is named after its tenant.
/// </remarks>
public sealed partial record Slug
{
    public const int MaxLength = 56;

    /// <summary>What a slug looks like, for a message.</summary>
    public const string Rule = "lower-case letters, digits and single hyphens inside, at most 56 characters";

    Slug(string text) => Text = text;

    public string Text { get; }

    /// <summary>The isolated database's name: <c>acme-corp</c> → <c>tenant_acme_corp</c>.</summary>
    public string DatabaseName => "tenant_" + Text.Replace('-', '_');

    public static bool TryParse(string? text, [NotNullWhen(true)] out Slug? slug)
    {
        slug = text is { Length: <= MaxLength } && Syntax().IsMatch(text) ? new Slug(text) : null;
        return slug is not null;
    }

    public override string ToString() => Text;

    [GeneratedRegex(@"\A[a-z0-9]+(-[a-z0-9]+)*\z")]
    private static partial Regex Syntax();
}
