using System.Text.RegularExpressions;
using Migrator.Model;

namespace Migrator.Scope;

/// <summary>What names usually mean: user_id and userId a row of users or User, Invoice a row of invoices.</summary>
static partial class GuessedNames
{
    /// <summary>Usual names of columns and tables of which every row is one person's sitting, or a job of the moment.</summary>
    [GeneratedRegex("(^|_)(session|token|job|queue|cache|lock|delivery|deliveries|attempt)s?($|_)")]
    public static partial Regex Passing();

    /// <summary>Columns of a table whose rows are people.</summary>
    [GeneratedRegex("^(e_?mail(_address)?|password.*|encrypted_password)$")]
    public static partial Regex OfPeople();

    /// <summary>In small letters with underscores, without the plural's ending.</summary>
    public static string Singular(string name)
    {
        var snake = Humps().Replace(name, "$1_$2").ToLowerInvariant();
        return snake switch
        {
            _ when snake.EndsWith("ies", StringComparison.Ordinal) => snake[..^3] + "y",
            _ when PluralOfHiss().IsMatch(snake) => snake[..^2],
            _ when snake.EndsWith('s') && !snake.EndsWith("ss", StringComparison.Ordinal) => snake[..^1],
            _ => snake,
        };
    }

    /// <summary>The table whose key a column seems to hold; null where no name fits.</summary>
    public static TableDefinition? TargetOf(Catalog catalog, TableDefinition table, Column column)
    {
        var name = Humps().Replace(column.Name, "$1_$2").ToLowerInvariant();
        if (!name.EndsWith("_id", StringComparison.Ordinal))
            return null;
        return
            Named(catalog, table.Name, name[..^3]) is { Key: [var key] } target
            && target.Column(key) is { } there
            && there.Family == column.Family
            && there.Equality == column.Equality
            ? target
            : null;
    }

    /// <summary>The table that a singular, or the name of a class, seems to mean.</summary>
    public static TableDefinition? Named(Catalog catalog, TableName beside, string word)
    {
        var wanted = Singular(word.Split("::")[^1].Split('\\')[^1].Split('.')[^1]);
        return catalog
            .Tables.OrderByDescending(one => one.Name.Schema == beside.Schema)
            .FirstOrDefault(one => Singular(one.Name.Name) == wanted);
    }

    [GeneratedRegex("([a-z0-9])([A-Z])")]
    private static partial Regex Humps();

    [GeneratedRegex("(ss|x|ch|sh)es$")]
    private static partial Regex PluralOfHiss();
}
