using System.Text;
using System.Text.RegularExpressions;
using Migrator.Model;

namespace Migrator.Scope;

/// <summary>
/// An SQL condition on a row, as tenancy.json has it, with the tenant's key as <c>:tenant</c> and the slug as <c>:slug</c>. A
/// condition is needed for rows of many names (t, NEW, OLD, n), so each column is written with the row's name before it. In a
/// subquery a name may be another table's column: there the row gets the name of its own table, and the names stay.
/// </summary>
/// <remarks>https://www.postgresql.org/docs/current/sql-syntax-lexical.html</remarks>
public sealed partial class RowCondition
{
    readonly TableName table;
    readonly IReadOnlyList<Part> parts;

    RowCondition(TableName table, IReadOnlyList<Part> parts)
    {
        this.table = table;
        this.parts = parts;
        HasSubquery = parts.Any(part => part.Text.Equals("select", StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>The condition as tenancy.json has it.</summary>
    public string Text => string.Concat(parts.Select(part => part.Text));

    /// <summary>The columns of the row that the condition looks at; with a subquery, all that it may mean.</summary>
    public IReadOnlyList<string> Columns => [.. parts.Select(part => part.Column).OfType<string>().Distinct()];

    /// <summary>The tables that subqueries of the condition read.</summary>
    public IReadOnlyList<TableName> Reads => [.. parts.Select(part => part.Read?.Table).OfType<TableName>().Distinct()];

    public bool HasSubquery { get; }

    /// <summary>
    /// What the condition compares with the tenant's key, if that is all that it says: then no two tenants meet it. Null otherwise.
    /// </summary>
    public string? Compared =>
        !HasSubquery && Comparison().Match(Text) is { Success: true } match ? match.Groups[1].Value.Trim() : null;

    /// <summary>
    /// The condition on a row of a table; null where it has a comment or a second statement, or a subquery names a table without
    /// its schema.
    /// </summary>
    public static RowCondition? Parse(string text, TableDefinition table)
    {
        var parts = new List<Part>();
        var (before, former) = ("", "");
        var end = 0;
        foreach (var token in Token().Matches(text).Cast<Match>())
        {
            var isWord = token.Groups["word"].Success;
            if (token.Index != end || Forbidden.Contains(token.Value.ToLowerInvariant()) || Locks(before, token.Value))
                return null;
            end = token.Index + token.Length;
            var column = isWord ? ColumnOf(token.Value, (former, before), text.AsSpan(end).TrimStart(), table) : null;
            parts.Add(new(token.Value, column, null));
            if (!string.IsNullOrWhiteSpace(token.Value))
                (former, before) = (before, token.Value[0] == '"' ? token.Value : token.Value.ToLowerInvariant());
        }
        return end == text.Length && text.Trim().Length > 0 && IsBalanced(parts) && WithTables(parts) is { } all
            ? new(table.Name, all)
            : null;
    }

    /// <summary>The condition on a row with an alias.</summary>
    /// <param name="rows">A query of the rows that a subquery finds in a table.</param>
    public string On(string alias, TenantId tenant, Func<TableName, string> rows)
    {
        if (!HasSubquery)
            return $"({Written(alias, tenant, rows)})";
        var columns = Columns.Select(Sql.Identifier).Select(name => $"{alias}.{name} AS {name}");
        return $"(SELECT ({Written(null, tenant, rows)}) FROM (SELECT {string.Join(", ", columns)}) AS {Alias})";
    }

    /// <summary>The condition on a row that has the name of its table, see <see cref="Alias"/>.</summary>
    /// <inheritdoc cref="On"/>
    public string OnTable(TenantId tenant, Func<TableName, string> rows) =>
        $"({Written(HasSubquery ? null : Alias, tenant, rows)})";

    /// <summary>What the row is called in <see cref="OnTable"/>.</summary>
    public string Alias => Sql.Identifier(table.Name);

    string Written(string? alias, TenantId tenant, Func<TableName, string> rows)
    {
        var sql = new StringBuilder();
        foreach (var (text, column, read) in parts)
            sql.Append(
                text == ":tenant" ? Sql.Literal(tenant.Key)
                : text == ":slug" ? Sql.Literal(tenant.Slug)
                : read is { } one
                    ? $"({rows(one.Table)}){(one.HasAlias ? "" : $" AS {Sql.Identifier(one.Table.Name)}")}"
                : column is not null && alias is not null ? $"{alias}.{Sql.Identifier(column)}"
                : text
            );
        return sql.ToString();
    }

    // The name of a table becomes one part.
    static List<Part>? WithTables(List<Part> parts)
    {
        int[] places = [.. Enumerable.Range(0, parts.Count).Where(i => !string.IsNullOrWhiteSpace(parts[i].Text))];
        string[] tokens =
        [
            .. places.Select(i => parts[i].Text[0] == '"' ? parts[i].Text : parts[i].Text.ToLowerInvariant()),
        ];
        if (SubqueryTables.Find(tokens) is not { } tables)
            return null;
        foreach (var read in tables.Reverse())
        {
            var (first, last) = (places[read.First], places[read.Last]);
            var text = string.Concat(parts[first..(last + 1)].Select(part => part.Text));
            parts.RemoveRange(first, last - first + 1);
            parts.Insert(first, new(text, null, read));
        }
        return parts;
    }

    static readonly string[] Forbidden = ["with", "table", "values", ";", "--", "/*"];

    // FOR UPDATE and its kin.
    static bool Locks(string before, string word) =>
        before == "for" && word.ToLowerInvariant() is "update" or "share" or "no" or "key";

    // What stands behind a dot is a part of a name, what stands before a parenthesis is a function's, and what a constant
    // or AS or :: makes is a type. Behind a dot may be the table's own column, with the table's name before.
    static string? ColumnOf(string word, (string, string) before, ReadOnlySpan<char> rest, TableDefinition table) =>
        (before.Item2 is not ("." or "::" or "as") || IsOwn(before, table))
        && !rest.StartsWith("(")
        && !rest.StartsWith(".")
        && !rest.StartsWith("'")
        && Unquoted(word) is var name
        && table.Column(name) is not null
            ? name
            : null;

    static bool IsOwn((string Name, string Dot) before, TableDefinition table) =>
        before.Dot == "." && Unquoted(before.Name) == table.Name.Name;

    static string Unquoted(string word) =>
        word.StartsWith('"') ? word[1..^1].Replace("\"\"", "\"") : word.ToLowerInvariant();

    static bool IsBalanced(IEnumerable<Part> parts)
    {
        var depth = 0;
        foreach (var (text, _, _) in parts)
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
        """^((?:(?!\b(?:and|or|not)\b|:tenant|:slug).)+?)(?<![<>!])=\s*:tenant(?:\s*::\s*\w+)?\s*$""",
        RegexOptions.IgnoreCase | RegexOptions.Singleline
    )]
    private static partial Regex Comparison();

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

    sealed record Part(string Text, string? Column, SubqueryTable? Read);
}
