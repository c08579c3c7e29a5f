using Migrator.Model;
using Npgsql;

namespace Migrator.Messages;

/// <summary>Small pieces of text that many messages share.</summary>
static class Wording
{
    // CI reads some log lines as commands ("::error …"): foreign text must not start a line, and must be short.
    public static string OneLine(string text)
    {
        var line = string.Concat(text.Take(100).Select(c => char.IsControl(c) ? ' ' : c)).TrimEnd();
        return text.Length > 100 ? line + "…" : line;
    }

    /// <summary>
    /// Text of others, of any length, on one line. A message quotes the commands that it recommends, so nothing of it may look
    /// like one.
    /// </summary>
    public static string Foreign(string text) =>
        string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c)).Replace("'migrator ", "migrator ");

    public static string Or(string text, string otherwise) => text.Length > 0 ? text : otherwise;

    public static string Capital(string text) => char.ToUpperInvariant(text[0]) + text[1..];

    public static string Chain(Exception e)
    {
        // A server's whole message may quote a row.
        var text = (e is PostgresException answer ? ServerErrors.Text(answer) : e.Message).TrimEnd('.');
        return e.InnerException is { } inner && inner.Message != e.Message ? $"{text}: {Chain(inner)}" : text;
    }

    /// <summary>Line and column in parentheses, where they are known.</summary>
    public static string At(string? place) => place is null ? "" : $" ({place})";

    public static string CommonStart(string left, string right) =>
        left[..left.Zip(right).TakeWhile(pair => pair.First == pair.Second).Count()];

    public static string List(IEnumerable<TableName> tables)
    {
        var names = tables.Select(table => table.ToString()).ToArray();
        return names.Length <= 5
            ? string.Join(", ", names)
            : $"{string.Join(", ", names.Take(5))} and {names.Length - 5} more tables";
    }
}
