using System.Text;
using Migrator.Model;
using Migrator.Scope;

namespace Migrator.Streaming;

/// <summary>
/// A table of the stream, and its changes as writes of the target.
/// </summary>
public sealed class StreamedTable
{
    readonly TenantScope scope;
    readonly TenantId tenant;
    readonly bool reverse;
    readonly Dictionary<string, RowStatement?> updates = [];
    readonly RowStatements statements;
    readonly HashSet<TableName> parents;

    public StreamedTable(ScopedTable table, TenantScope scope, Tenant tenant, bool reverse)
    {
        Table = table;
        this.scope = scope;
        this.reverse = reverse;
        this.tenant = tenant.Id;
        Columns = [.. table.Table.StoredColumns];
        KeyPositions = [.. table.Table.Key.Select(PositionOf)];
        TenantPosition = table is { Scope: TableScope.Root, Tree: null } or { Scope: TableScope.Direct }
            ? PositionOf(table.TenantColumn.Name)
            : null;
        MayComeBeforeParent = table.Tree is null && table.Steps.Any(step => step.Deferrable && step.IsDeclared);
        parents = [.. scope.ReferencesFrom(Name).Select(key => key.To)];
        IsReferredToByKey = scope
            .ReferencesTo(Name)
            .All(key =>
                key.ToColumns.All(name =>
                    Definition.Key.Contains(name) || (TenantPosition is { } position && Columns[position].Name == name)
                )
            );
        HasComparableKey = KeyPositions.All(position => Columns[position].IsEqualAsText);
        statements = new(this, scope, tenant.Id, reverse);
    }

    public ScopedTable Table { get; }

    public TableDefinition Definition => Table.Table;

    public TableName Name => Table.Name;

    public IReadOnlyList<Column> Columns { get; }

    public IReadOnlyList<int> KeyPositions { get; }

    /// <summary>The tenant's key, as text.</summary>
    public string TenantKey => tenant.Key;

    /// <summary>The tenant column's place in a row; null for a derived or a reference table.</summary>
    public int? TenantPosition { get; }

    /// <summary>
    /// A row may be inserted before the parent that makes it the tenant's: the foreign key can be deferred to the
    /// commit.
    /// </summary>
    public bool MayComeBeforeParent { get; }

    /// <summary>Rows of the source that are everybody's do not come home, and only their parents tell which those are.</summary>
    public bool MayBeOfEverybody =>
        reverse && Table.Scope == TableScope.Derived && scope.ComesAlong(Table, "t") is not null;

    /// <summary>Two keys of this table are equal exactly when their texts are.</summary>
    public bool HasComparableKey { get; }

    /// <summary>Foreign keys to this table refer to its key, which an ordinary update leaves alone.</summary>
    public bool IsReferredToByKey { get; }

    /// <summary>A foreign key or a rule leads from here to the other table.</summary>
    public bool RefersTo(StreamedTable other) => parents.Contains(other.Name);

    /// <summary>The condition that a row of the target, seen as <c>t</c>, is not another tenant's.</summary>
    public string OursInTarget => OursAs("t");

    /// <summary>The same of a row with another alias, which is in the target or is to be written there.</summary>
    public string OursAs(string alias) => reverse ? scope.MayBeOurs(Table, alias, tenant) : "true";

    /// <summary>The key of a row.</summary>
    public RowKey KeyOf(object?[] row) => new([.. KeyPositions.Select(position => (string)row[position]!)]);

    /// <summary>
    /// Whether a row that names its tenant names ours, or is everybody's and comes along; null where only the parent can tell.
    /// </summary>
    public bool? IsOurs(object?[] row) =>
        TenantPosition is not { } position
            ? Table.Scope == TableScope.Reference
                ? true
                : null
            : (row[position] is null && Table.NullIsGlobal && !reverse)
                || row[position] is string value
                    && (
                        value == tenant.Key
                        || (
                            Columns[position].TypeText.StartsWith("character(", StringComparison.Ordinal)
                            && value.TrimEnd(' ') == tenant.Key
                        )
                    );

    /// <summary>Inserts a row, or makes the row of that key equal to it.</summary>
    public RowWrite Insert(object?[] row) => new(statements.Insertion, KeyOf(row), row);

    /// <summary>Inserts a row unless there is one with its key.</summary>
    public RowWrite InsertMissing(object?[] row) => new(statements.MissingInsertion, KeyOf(row), row);

    public RowWrite Delete(RowKey old) => new(statements.Deletion, old, old.Values);

    /// <summary>Deletes all rows of the tenant.</summary>
    public RowWrite Empty() =>
        new(new(this, StatementKind.Other, _ => $"DELETE FROM {Definition.From} t WHERE {OursInTarget}"), new([]), []);

    /// <summary>
    /// Sets the values of a row, except those that the change left alone; null when nothing is left to set.
    /// </summary>
    /// <param name="old">The key to find the row by, where the change has another one.</param>
    public RowWrite? Update(object?[] row, RowKey? old)
    {
        var leaves = TenantPosition is not null && IsOurs(row) == false;
        var mask = new StringBuilder(row.Length + 1).Append(
            (leaves, old) switch
            {
                (true, null) => '<',
                (_, null) => '=',
                _ => '!',
            }
        );
        foreach (var value in row)
            mask.Append(ReferenceEquals(value, Change.Unchanged) ? '-' : '+');
        var set = Settable(rename: old is not null).Where(i => !ReferenceEquals(row[i], Change.Unchanged)).ToArray();
        if (!updates.TryGetValue(mask.ToString(), out var statement))
            updates.Add(
                mask.ToString(),
                statement =
                    set.Length == 0
                        ? null
                        : new(
                            this,
                            old is null && !leaves ? StatementKind.Update : StatementKind.Other,
                            statements.Updating(set)
                        )
            );
        var where = old ?? KeyOf(row);
        return statement is null ? null : new(statement, where, [.. set.Select(i => row[i]), .. where.Values]);
    }

    public bool KeyCanChange => KeyPositions.All(position => CanSet(Columns[position]));

    /// <summary>
    /// An update can set the column. In the shared database it cannot set an identity that is always generated; in the
    /// isolated one none is, as long as the stream is applied.
    /// </summary>
    public bool CanSet(Column column) => !reverse || !column.AlwaysIdentity;

    /// <summary>The condition that a row, seen as <paramref name="alias"/>, has one of the keys.</summary>
    public string HasKey(string alias, IEnumerable<RowKey> keys)
    {
        if (KeyPositions.Any(position => Columns[position].OwnEquality is not null))
            return $"({string.Join(" OR ", keys.Select(one => $"({EqualsKey(alias, one)})"))})";
        var columns = string.Join(", ", Definition.Key.Select(name => $"{alias}.{Sql.Identifier(name)}"));
        return $"({columns}) IN ({string.Join(", ", keys.Select(Literals))})";
    }

    /// <summary>
    /// The condition that a row's references lead to one of another table's keys; null when they do not lead there.
    /// </summary>
    public string? LeadsTo(StreamedTable ancestor, IEnumerable<RowKey> keys) =>
        scope.LeadsTo(Table, ancestor.Name, alias => ancestor.HasKey(alias, keys));

    /// <summary>A row can be the tenant's in several ways.</summary>
    public bool HasAlternatives => scope.HasAlternatives(Table);

    IEnumerable<int> Settable(bool rename) =>
        Enumerable.Range(0, Columns.Count).Where(i => CanSet(Columns[i]) && (rename || !KeyPositions.Contains(i)));

    string EqualsKey(string alias, RowKey row) =>
        string.Join(
            " AND ",
            KeyPositions.Select(
                (position, n) =>
                    $"{alias}.{Sql.Identifier(Columns[position].Name)} {Columns[position].Equality} "
                    + Sql.Literal(row.Values[n])
                    + Cast(position)
            )
        );

    string Literals(RowKey row)
    {
        var values = row.Values.Zip(KeyPositions, (value, position) => Sql.Literal(value) + Cast(position));
        return $"({string.Join(", ", values)})";
    }

    internal string Cast(int position) => "::" + Columns[position].TypeText;

    int PositionOf(string name)
    {
        for (var i = 0; i < Columns.Count; i++)
            if (Columns[i].Name == name)
                return i;
        throw new ArgumentException(name);
    }
}
