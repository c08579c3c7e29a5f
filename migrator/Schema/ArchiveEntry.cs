using Migrator.Guarding;

namespace Migrator.Schema;

/// <summary>One line of an archive's table of contents.</summary>
/// <param name="ClassId">Object id of the catalog that describes the object, 0 when it has none.</param>
/// <param name="Postponed">
/// The entry comes after the first index or constraint: pg_dump found that it needs one, as a view does that groups by
/// a primary key.
/// </param>
public sealed record ArchiveEntry(string Line, uint ClassId, uint ObjectId, string Kind, string Tag, bool Postponed)
{
    // Objects of the server rather than of the tenant, objects that reach out of the database, and objects that only a
    // superuser may create.
    static readonly HashSet<string> LeftOut =
    [
        "EVENT TRIGGER",
        "PUBLICATION",
        "PUBLICATION TABLE",
        "PUBLICATION TABLES IN SCHEMA",
        "SUBSCRIPTION",
        "SUBSCRIPTION TABLE",
        "DATABASE",
        "DATABASE PROPERTIES",
        "FOREIGN DATA WRAPPER",
        "SERVER",
        "USER MAPPING",
        "FOREIGN TABLE",
        "SECURITY LABEL",
        "PROCEDURAL LANGUAGE",
        "ACCESS METHOD",
        "TRANSFORM",
    ];

    static readonly string[] LeftOutTargets =
    [
        "EXTENSION ",
        "DATABASE ",
        "EVENT TRIGGER ",
        "PUBLICATION ",
        "SUBSCRIPTION ",
        "LANGUAGE ",
        "SERVER ",
        "FOREIGN ",
        "LARGE OBJECT",
    ];

    /// <summary>A view that needs a constraint was created empty; this entry replaces it by what it is.</summary>
    public bool IsViewBody => Kind == "RULE" && Tag.Contains(" _RETURN ", StringComparison.Ordinal);

    public bool IsSchemaPublic => Kind == "SCHEMA" && Line.Contains(" SCHEMA - public ", StringComparison.Ordinal);

    /// <summary>PostgreSQL has a name for the object of its own, by which another database can be asked for it.</summary>
    public bool IsDescribed => ClassId != 0 && Kind is not ("ACL" or "COMMENT" or "ROW SECURITY" or "DEFAULT ACL");

    /// <summary>An object of its own, which others may belong to.</summary>
    public bool IsDefinition =>
        Kind
            is "TABLE"
                or "VIEW"
                or "MATERIALIZED VIEW"
                or "SEQUENCE"
                or "FUNCTION"
                or "PROCEDURE"
                or "AGGREGATE"
                or "TYPE"
                or "DOMAIN";

    /// <summary>The object's owner, with which the line ends. A name may hold spaces.</summary>
    /// <param name="roles">The roles of the shared server.</param>
    public string OwnerOf(IEnumerable<string> roles) =>
        roles
            .Select(TableOfContents.Listed)
            .Where(role => Line.EndsWith(" " + role, StringComparison.Ordinal))
            .MaxBy(role => role.Length)
        ?? "";

    /// <summary>The entry belongs to another: it attaches a partition, or grants on it, say.</summary>
    public bool IsOf(ArchiveEntry other)
    {
        var name = other.Tag.Split(' ')[0];
        return Tag.Split(' ').Any(word => word == name || word.StartsWith(name + ".", StringComparison.Ordinal));
    }

    /// <summary>The object is the tenant's and goes with it.</summary>
    public bool IsKept =>
        !LeftOut.Contains(Kind)
        && !(Kind is "COMMENT" or "ACL" && Describes(LeftOutTargets))
        && !(Kind is "TRIGGER" or "COMMENT" && Line.Contains(" " + WriteGuard.TriggerPrefix, StringComparison.Ordinal));

    /// <summary>The tag of a comment or a grant begins with the kind of the object that it is for.</summary>
    public bool Describes(params string[] kinds) => kinds.Any(kind => Tag.StartsWith(kind, StringComparison.Ordinal));
}
