using Migrator.Model;

namespace Migrator.Scope;

/// <summary>A foreign key between two user tables.</summary>
/// <param name="OnDelete">The action as <c>pg_constraint.confdeltype</c> spells it.</param>
public sealed record ForeignKey(
    string Name,
    TableName From,
    TableName To,
    IReadOnlyList<string> FromColumns,
    IReadOnlyList<string> ToColumns,
    bool Deferrable,
    char OnDelete
);
