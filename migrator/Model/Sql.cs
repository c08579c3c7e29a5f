namespace Migrator.Model;

/// <summary>
/// The two ways in which text becomes part of a statement without parameters (COPY, DDL, trigger bodies).
/// Everywhere else values are parameters.
/// </summary>
/// <remarks>https://www.postgresql.org/docs/current/sql-syntax-lexical.html</remarks>
public static class Sql
{
    public static string Identifier(string name) => '"' + name.Replace("\"", "\"\"") + '"';

    /// <summary>
    /// A string constant. Every session of ours has standard_conforming_strings on, so only quotes need
    /// doubling.
    /// </summary>
    public static string Literal(string value) => '\'' + value.Replace("'", "''") + '\'';

    public static string Identifiers(IEnumerable<string> names) => string.Join(", ", names.Select(Identifier));

    public static string Identifiers(string alias, IEnumerable<string> names) =>
        string.Join(", ", names.Select(name => $"{alias}.{Identifier(name)}"));
}
