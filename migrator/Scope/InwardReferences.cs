using Migrator.Model;

namespace Migrator.Scope;

/// <summary>
/// Rows that are not the tenant's and refer to rows that are. A delete of the tenant's rows would fail on them, or take or change them by a
/// cascade. Rows of reference and ignored tables are never the tenant's.
/// </summary>
public sealed class InwardReferences(TenantScope scope, Tenant tenant)
{
    /// <summary>The foreign keys through which such rows may refer to a table's rows.</summary>
    public IEnumerable<ForeignKey> KeysInto(ScopedTable table) =>
        scope.ForeignKeys.Where(key => key.IsDeclared && key.To == table.Name && !scope.StaysInside(key));

    /// <summary>The condition on a row <c>t</c> of the key's own table, that it is another's and refers to one of some rows.</summary>
    /// <param name="from">The referenced table, or a partition of it, as a FROM clause has it.</param>
    /// <param name="condition">Which of its rows, seen as <c>p</c>, are meant.</param>
    public string Condition(ForeignKey key, string from, string condition)
    {
        var referring = scope[key.From];
        var theirs = referring.IsTenantData ? scope.NotOurs(referring, "t", tenant.Id) : "true";
        return $"{theirs} AND EXISTS (SELECT FROM {from} p WHERE {key.Join("t", "p")} AND {condition})";
    }

    /// <summary>What names a row to a person: its key, or where it lies.</summary>
    public static string Label(ScopedTable table, string alias) =>
        table.Table.Key.Count > 0
            ? string.Join(" || ', ' || ", table.Table.Key.Select(name => $"{alias}.{Sql.Identifier(name)}::text"))
            : $"{alias}.ctid::text";
}
