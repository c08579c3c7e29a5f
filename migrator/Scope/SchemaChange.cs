using System.Text.Json;
using Migrator.Model;

namespace Migrator.Scope;

/// <summary>An object of the shared database whose definition is not the recorded one; see definitions.sql.</summary>
/// <param name="Relation">The table or view that it belongs to; null for functions, types and the like.</param>
/// <param name="Before">The recorded definition; null for an object that has come.</param>
/// <param name="After">The present one; null for an object that is gone.</param>
public sealed record SchemaChange(
    string Kind,
    string Schema,
    string? Relation,
    string Name,
    string? Before,
    string? After
)
{
    public bool IsNew => Before is null;

    public TableName? Table => Relation is null ? null : new(Schema, Relation);

    /// <summary>A partition, or the table or view itself, and not a part of one.</summary>
    public bool IsRelation => Kind == "relation";

    /// <summary>The relation itself, and no partition of it.</summary>
    public bool IsWhole => IsRelation && Name == $"{Schema}.{Relation}";

    /// <summary>The labels that an enum has now and had not; null where others are gone or have moved.</summary>
    public IReadOnlyList<(string Label, string? Before)>? NewLabels
    {
        get
        {
            if (Kind != "enum" || Before is null || After is null)
                return null;
            var before = JsonSerializer.Deserialize<string[]>(Before)!;
            var after = JsonSerializer.Deserialize<string[]>(After)!;
            if (!after.Where(before.Contains).SequenceEqual(before))
                return null;
            return
            [
                .. after
                    .Select((label, n) => (label, after.Skip(n + 1).FirstOrDefault(before.Contains)))
                    .Where(one => !before.Contains(one.label)),
            ];
        }
    }

    public override string ToString() =>
        Kind switch
        {
            "identity" => $"table {Name} is another table",
            "storage" => $"the rows of table {Name} were written anew",
            _ => $"{Kind} {Name} {(Before is null ? "is new" : After is null ? "is gone" : "has another definition")}",
        };
}
