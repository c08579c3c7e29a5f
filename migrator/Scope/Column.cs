using System.Text.RegularExpressions;
using Migrator.Model;

namespace Migrator.Scope;

/// <summary>A column as the copy and the digest see it.</summary>
/// <param name="Generated">Computed by the server: never copied.</param>
/// <param name="AlwaysIdentity">
/// GENERATED ALWAYS AS IDENTITY: an insert needs OVERRIDING SYSTEM VALUE, an update is refused.
/// </param>
/// <param name="HashesByValue">
/// Equal hash means equal value on any server; otherwise the digest takes the value's text.
/// </param>
/// <param name="OwnEquality">The equality of a type that is not pg_catalog's (citext, ltree); null for all others.</param>
/// <param name="BinaryIsPortable">The binary form means the same in another database.</param>
public sealed partial record Column(
    string Name,
    string TypeText,
    bool NotNull,
    bool Generated,
    bool AlwaysIdentity,
    bool HashesByValue,
    bool BinaryIsPortable,
    short Number,
    string? OwnEquality = null
)
{
    /// <summary>
    /// The operator that the type's own indexes call equality. A bare = would be looked up in the search path, and might
    /// be another type's.
    /// </summary>
    public string Equality => OwnEquality ?? "OPERATOR(pg_catalog.=)";

    /// <summary>The comparison with a value that is given as text.</summary>
    /// <remarks>
    /// The value is never cast to a type that is narrower than its own: an explicit cast to varchar(10) cuts it without a
    /// word, and a smallint refuses it. The column's index serves the wider type as well.
    /// https://www.postgresql.org/docs/current/datatype-character.html
    /// </remarks>
    public string EqualTo(string value) => EqualToText(Sql.Literal(value));

    /// <summary>The same with an expression whose value is the text.</summary>
    public string EqualToText(string text)
    {
        var bare = TypeModifier().Replace(TypeText, "");
        var type = bare switch
        {
            "character" => "bpchar",
            "bit" => "bit varying",
            "name" => "text",
            "smallint" or "integer" => "bigint",
            _ => bare,
        };
        return $"{Equality} {text}::{type}";
    }

    /// <summary>Types of one family can be compared and indexed with each other.</summary>
    public string Family =>
        TypeText.Split('(')[0] switch
        {
            "text" or "character varying" or "character" => "text",
            "smallint" or "integer" or "bigint" => "integer",
            var other => other,
        };

    /// <summary>
    /// Two values are equal exactly when their texts are: not so for numeric (1.0 and 1.00), nor under a collation that
    /// ignores case.
    /// </summary>
    public bool IsEqualAsText =>
        HashesByValue
        && TypeText.Split('(')[0]
            is "uuid"
                or "text"
                or "character varying"
                or "character"
                or "smallint"
                or "integer"
                or "bigint"
                or "boolean"
                or "date"
                or "timestamp"
                or "timestamp without time zone"
                or "timestamp with time zone";

    [GeneratedRegex(@"\(\d+(,-?\d+)?\)")]
    private static partial Regex TypeModifier();
}
