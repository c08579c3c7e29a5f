using System.Text.RegularExpressions;

namespace Migrator.Schema;

/// <summary>Reads what <c>pg_restore --list</c> writes.</summary>
static partial class TableOfContents
{
    // Longest first: "TABLE ATTACH" is not a TABLE.
    static readonly string[] Kinds =
    [
        "PUBLICATION TABLES IN SCHEMA",
        "TEXT SEARCH CONFIGURATION",
        "TEXT SEARCH DICTIONARY",
        "TEXT SEARCH TEMPLATE",
        "FOREIGN DATA WRAPPER",
        "PROCEDURAL LANGUAGE",
        "TEXT SEARCH PARSER",
        "DATABASE PROPERTIES",
        "MATERIALIZED VIEW",
        "SUBSCRIPTION TABLE",
        "SEQUENCE OWNED BY",
        "PUBLICATION TABLE",
        "CHECK CONSTRAINT",
        "OPERATOR FAMILY",
        "OPERATOR CLASS",
        "SECURITY LABEL",
        "ACCESS METHOD",
        "FOREIGN TABLE",
        "EVENT TRIGGER",
        "FK CONSTRAINT",
        "USER MAPPING",
        "INDEX ATTACH",
        "TABLE ATTACH",
        "ROW SECURITY",
        "DEFAULT ACL",
        "SHELL TYPE",
        "STATISTICS",
        "CONSTRAINT",
        "PUBLICATION",
        "SUBSCRIPTION",
        "CONVERSION",
        "AGGREGATE",
        "PROCEDURE",
        "TRANSFORM",
        "COLLATION",
        "EXTENSION",
        "FUNCTION",
        "OPERATOR",
        "SEQUENCE",
        "DATABASE",
        "TRIGGER",
        "COMMENT",
        "DEFAULT",
        "DOMAIN",
        "SCHEMA",
        "POLICY",
        "SERVER",
        "INDEX",
        "TABLE",
        "VIEW",
        "RULE",
        "CAST",
        "TYPE",
        "ACL",
    ];

    // pg_dump lists them after everything that tables are made of.
    static readonly HashSet<string> PostData =
    [
        "INDEX",
        "CONSTRAINT",
        "CHECK CONSTRAINT",
        "FK CONSTRAINT",
        "TRIGGER",
        "RULE",
        "POLICY",
        "ROW SECURITY",
        "STATISTICS",
    ];

    /// <summary>A name as the list has it: on one line.</summary>
    public static string Listed(string name) => name.Replace('\n', ' ').Replace('\r', ' ');

    // "3456; 2606 16402 FK CONSTRAINT public orders orders_user_fkey owner": the dump's id, then catalog, object, kind,
    // schema (or -), tag and owner.
    public static IEnumerable<ArchiveEntry> Parse(IEnumerable<string> lines, IReadOnlyList<string> schemas)
    {
        var postData = false;
        foreach (var line in lines)
        {
            if (EntryLine().Match(line) is not { Success: true } match)
                continue;
            var (kind, rest) = KindOf(match.Groups[3].Value);
            // A schema's name may hold spaces.
            var schema =
                schemas.Where(name => rest.StartsWith(name + " ", StringComparison.Ordinal)).MaxBy(name => name.Length)
                ?? rest.Split(' ')[0];
            postData |= PostData.Contains(kind);
            yield return new(
                line,
                uint.Parse(match.Groups[1].Value),
                uint.Parse(match.Groups[2].Value),
                kind,
                After(rest, schema),
                postData
            );
        }
    }

    static (string Kind, string Further) KindOf(string text)
    {
        var kind =
            Array.Find(Kinds, kind => text.StartsWith(kind + " ", StringComparison.Ordinal)) ?? text.Split(' ')[0];
        return (kind, After(text, kind));
    }

    static string After(string text, string word) => text[Math.Min(text.Length, word.Length + 1)..];

    [GeneratedRegex(@"^\d+; (\d+) (\d+) (.+)$")]
    private static partial Regex EntryLine();
}
