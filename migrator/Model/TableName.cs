namespace Migrator.Model;

/// <summary>A relation's name with its schema, as the catalog spells it (unquoted, case kept).</summary>
public readonly record struct TableName(string Schema, string Name) : IComparable<TableName>
{
    /// <summary>The name as SQL.</summary>
    public string Quoted => $"{Sql.Identifier(Schema)}.{Sql.Identifier(Name)}";

    /// <summary>
    /// Parses <c>name</c> or <c>schema.name</c> from the settings file; the default schema is <c>public</c>.
    /// </summary>
    public static TableName Parse(string text)
    {
        var dot = text.IndexOf('.');
        return dot < 0 ? new("public", text) : new(text[..dot], text[(dot + 1)..]);
    }

    public int CompareTo(TableName other) =>
        string.CompareOrdinal(Schema, other.Schema) is not 0 and var bySchema
            ? bySchema
            : string.CompareOrdinal(Name, other.Name);

    public override string ToString() => $"{Schema}.{Name}";
}
