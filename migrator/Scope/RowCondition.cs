using System.Text;
using System.Text.RegularExpressions;
using Migrator.Model;

namespace Migrator.Scope;

/// <summary>
/// An SQL condition on a row's own columns, as tenancy.json has it, with the tenant's key as <c>:tenant</c> and the slug as
/// <c>:slug</c>. A condition is
/// needed for rows of many names (t, NEW, OLD, n), so each column is written with the row's name before it.
/// </summary>
/// <remarks>https://www.postgresql.org/docs/current/sql-syntax-lexical.html</remarks>
public sealed partial class RowCondition
{
    readonly IReadOnlyList<(string Text, string? Column)> parts;

    RowCondition(IReadOnlyList<(string, string?)> parts) => this.parts = parts;

    /// <summary>The condition as tenancy.json has it.</summary>
    public string Text => string.Concat(parts.Select(part => part.Text));

    /// <summary>The columns that the condition looks at.</summary>
    public IReadOnlyList<string> Columns => [.. parts.Select(part => part.Column).OfType<string>().Distinct()];

    /// <summary>The condition on a row of a table; null where it has a subquery, a comment or a second statement.</summary>
    public static RowCondition? Parse(string text, TableDefinition table)
    {
        var parts = new List<(string, string?)>();
        var before = "";
        var end = 0;
        foreach (var token in Token().Matches(text).Cast<Match>())
        {
            var isWord = token.Groups["word"].Success;
            if (token.Index != end || Forbidden.Contains(token.Value.ToLowerInvariant()))
                return null;
            end = token.Index + token.Length;
            var column = isWord ? ColumnOf(token.Value, before, text.AsSpan(end).TrimStart(), table) : null;
            parts.Add((token.Value, column));
            if (!string.IsNullOrWhiteSpace(token.Value))
                before = token.Value.ToLowerInvariant();
        }
        return end == text.Length && text.Trim().Length > 0 && IsBalanced(parts) ? new(parts) : null;
    }

    /// <summary>The condition on a row with an alias.</summary>
    public string On(string alias, TenantId tenant)
    {
        var sql = new StringBuilder("(");
        foreach (var (text, column) in parts)
            sql.Append(
                text == ":tenant" ? Sql.Literal(tenant.Key)
                : text == ":slug" ? Sql.Literal(tenant.Slug)
                : column is not null ? $"{alias}.{Sql.Identifier(column)}"
                : text
            );
        return sql.Append(')').ToString();
    }

    static readonly string[] Forbidden = ["select", "with", "table", "values", ";", "--", "/*"];

    // What stands behind a dot is a part of a name, what stands before a parenthesis is a function's, and what a constant
    // or AS or :: makes is a type.
    static string? ColumnOf(string word, string before, ReadOnlySpan<char> rest, TableDefinition table) =>
        before is not ("." or "::" or "as")
        && !rest.StartsWith("(")
        && !rest.StartsWith(".")
        && !rest.StartsWith("'")
        && (word[0] == '"' ? word[1..^1].Replace("\"\"", "\"") : word.ToLowerInvariant()) is var name
        && table.Column(name) is not null
            ? name
            : null;

    static bool IsBalanced(IEnumerable<(string Text, string?)> parts)
    {
        var depth = 0;
        foreach (var (text, _) in parts)
            if (
                (
                    depth +=
                        text == "(" ? 1
                        : text == ")" ? -1
                        : 0
                ) < 0
            )
                return false;
        return depth == 0;
    }

    [GeneratedRegex(
        """
            \s+
            | [eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*'
            | (?<word>"(?:[^"]|"")+" | [\p{L}_][\p{L}\p{N}_$]*)
            | \d[\d.]*(?:[eE][+-]?\d+)?
            | :tenant\b | :slug\b | :: | -- | /\* | [-+*/<>=~!@\#%^&|`?,.()\[\];]
            """,
        RegexOptions.IgnorePatternWhitespace
    )]
    private static partial Regex Token();
}
