using Migrator.Model;

namespace Migrator.Scope;

/// <summary>A table that a subquery reads, as its name stands among the tokens of a condition.</summary>
/// <param name="First">The name's first token.</param>
/// <param name="Last">The name's last token.</param>
/// <param name="HasAlias">The subquery gives the table a name of its own.</param>
readonly record struct SubqueryTable(TableName Table, int First, int Last, bool HasAlias);

/// <summary>Finds the tables in the FROM clauses of a condition's subqueries.</summary>
/// <remarks>https://www.postgresql.org/docs/current/queries-table-expressions.html</remarks>
static class SubqueryTables
{
    static readonly string[] EndsFrom =
    [
        "where",
        "group",
        "having",
        "order",
        "limit",
        "offset",
        "fetch",
        "window",
        "union",
        "intersect",
        "except",
    ];

    static readonly string[] AfterATable =
    [
        .. EndsFrom,
        "join",
        "cross",
        "inner",
        "left",
        "right",
        "full",
        "natural",
        "on",
        "using",
        ",",
        ")",
    ];

    /// <param name="tokens">The condition without white space, its words in lower case unless they are quoted.</param>
    /// <returns>Null where a subquery has something in FROM that is no table with its schema, no function and no subquery.</returns>
    public static IReadOnlyList<SubqueryTable>? Find(IReadOnlyList<string> tokens)
    {
        var found = new List<SubqueryTable>();
        var levels = new Stack<Level>([new()]);
        for (var i = 0; i < tokens.Count; i++)
        {
            var level = levels.Peek();
            if (level.ExpectsTable && tokens[i] is not ("(" or "lateral"))
            {
                if (tokens[i] == "select")
                    level.Begin();
                else if (TableAt(tokens, i) is { } table)
                {
                    found.Add(table);
                    (i, level.ExpectsTable) = (table.Last, false);
                }
                else if (FunctionAt(tokens, i) is { } name)
                    (i, level.ExpectsTable) = (name, false);
                else
                    return null;
                continue;
            }
            if (tokens[i] == "(")
            {
                levels.Push(new() { IsFrom = level.ExpectsTable, ExpectsTable = level.ExpectsTable });
                level.ExpectsTable = false;
            }
            else if (tokens[i] == ")" && levels.Count > 1)
                levels.Pop();
            else
                level.Read(tokens, i);
        }
        return found;
    }

    static SubqueryTable? TableAt(IReadOnlyList<string> tokens, int i) =>
        IsName(tokens, i)
        && At(tokens, i + 1) == "."
        && IsName(tokens, i + 2)
        && At(tokens, i + 3) is not ("." or "(") and var next
            ? new(new(Name(tokens[i]), Name(tokens[i + 2])), i, i + 2, next is not null && !AfterATable.Contains(next))
            : null;

    // Its last token before the parenthesis.
    static int? FunctionAt(IReadOnlyList<string> tokens, int i) =>
        !IsName(tokens, i) ? null
        : At(tokens, i + 1) == "(" ? i
        : At(tokens, i + 1) == "." && IsName(tokens, i + 2) && At(tokens, i + 3) == "(" ? i + 2
        : null;

    static string? At(IReadOnlyList<string> tokens, int i) => i < tokens.Count ? tokens[i] : null;

    static bool IsName(IReadOnlyList<string> tokens, int i) =>
        At(tokens, i) is { } token && (token[0] is '"' or '_' || char.IsLetter(token[0])) && !token.EndsWith('\'');

    static string Name(string token) => token[0] == '"' ? token[1..^1].Replace("\"\"", "\"") : token;

    // What stands between two parentheses.
    sealed class Level
    {
        bool isSelect;

        public bool IsFrom { get; set; }

        public bool ExpectsTable { get; set; }

        public void Begin() => (isSelect, IsFrom, ExpectsTable) = (true, false, false);

        public void Read(IReadOnlyList<string> tokens, int i)
        {
            var token = tokens[i];
            if (token == "select")
                Begin();
            // Not that of extract(… from …), nor of IS DISTINCT FROM.
            else if (
                token == "from"
                && isSelect
                && !(i > 1 && tokens[i - 1] == "distinct" && tokens[i - 2] is "is" or "not")
            )
                IsFrom = ExpectsTable = true;
            else if (IsFrom && token is "," or "join")
                ExpectsTable = IsFrom;
            else if (EndsFrom.Contains(token))
                IsFrom = false;
        }
    }
}
