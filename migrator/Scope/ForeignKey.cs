using Migrator.Model;

namespace Migrator.Scope;

/// <summary>A foreign key between two user tables.</summary>
/// <param name="Operators">By which the constraint compares, referenced column first.</param>
/// <param name="OnDelete">The action as <c>pg_constraint.confdeltype</c> spells it.</param>
public sealed record ForeignKey(
    string Name,
    TableName From,
    TableName To,
    IReadOnlyList<string> FromColumns,
    IReadOnlyList<string> ToColumns,
    IReadOnlyList<string> Operators,
    bool Deferrable,
    char OnDelete
)
{
    /// <summary>
    /// A constraint enforces the reference; otherwise only a rule of tenancy.json or a constraint NOT ENFORCED tells of it.
    /// </summary>
    public bool IsDeclared { get; init; } = true;

    /// <summary>Every row keeps the constraint; of one NOT VALID, rows that were there before need not.</summary>
    /// <remarks>https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT</remarks>
    public bool IsValidated { get; init; } = true;

    /// <summary>A row that stands may name a row that is not there.</summary>
    public bool IsLoose => !IsDeclared || !IsValidated;

    /// <summary>The last column is a PERIOD: a row may refer to several rows, whose periods cover its own together.</summary>
    public bool HasPeriod { get; init; }

    /// <summary>Several rows may be referred to: those that name this one.</summary>
    public bool IsMany { get; init; }

    /// <summary>The condition that a row refers to another by this key, with the constraint's own operators.</summary>
    public string Join(string referring, string referred) =>
        string.Join(
            " AND ",
            Enumerable
                .Range(0, FromColumns.Count)
                .Select(n =>
                    $"{referred}.{Sql.Identifier(ToColumns[n])} {Operators[n]} "
                    + $"{referring}.{Sql.Identifier(FromColumns[n])}"
                )
        );
}
