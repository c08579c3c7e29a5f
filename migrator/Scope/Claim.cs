using Migrator.Model;

namespace Migrator.Scope;

/// <summary>One way by which a row is a tenant's: a column names the tenant, a condition says so, or a step leads to a row that is
/// the tenant's.</summary>
public sealed record Claim
{
    /// <summary>The column with the tenant's key; null where a step leads on.</summary>
    public string? Column { get; init; }

    /// <summary>The reference to the row that tells; null where a column names the tenant.</summary>
    public ForeignKey? Step { get; init; }

    /// <summary>The condition on the row itself that tells; null where a column or a step does.</summary>
    public RowCondition? Where { get; init; }

    /// <summary>The column that has to have <see cref="TypeValue"/> for the step to count; null if it counts always.</summary>
    public Column? TypeColumn { get; init; }

    public string TypeValue { get; init; } = "";

    /// <summary>All columns of the row that this looks at.</summary>
    public IEnumerable<string> Columns => OwnColumns.Concat(TypeColumn is null ? [] : [TypeColumn.Name]);

    /// <summary>The conditions under which the row names something by this; none where the row always does.</summary>
    /// <param name="nullable">Whether a column can be null.</param>
    public IEnumerable<string> Names(string alias, Func<string, bool> nullable)
    {
        if (TypeColumn is not null)
            yield return $"({IsOfType(alias)})";
        foreach (var column in (Where is null ? OwnColumns : []).Where(nullable))
            yield return $"{alias}.{Sql.Identifier(column)} IS NOT NULL";
    }

    /// <summary>The condition that the row is of this type, as the beginning of others.</summary>
    public string OfType(string alias) => TypeColumn is null ? "" : IsOfType(alias) + " AND ";

    IReadOnlyList<string> OwnColumns => Where?.Columns ?? Step?.FromColumns ?? [Column!];

    string IsOfType(string alias) => $"{alias}.{Sql.Identifier(TypeColumn!.Name)} {TypeColumn.EqualTo(TypeValue)}";
}
