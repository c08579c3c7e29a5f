using Migrator.Messages;
using Migrator.Model;
using Migrator.Scope;
using Migrator.Settings;

namespace Migrator.Preflight;

/// <summary>The line of tenancy.json that would let a reference between tenants be; empty where none would.</summary>
sealed class ReferenceCures(TenantScope scope, Tenancy tenancy)
{
    /// <summary>For a row of the tenant that names a row of somebody else.</summary>
    public string Outward(ForeignKey key)
    {
        // No other place in tenancy.json says whose a tenant's row is.
        if (scope[key.From].Scope == TableScope.Root && key.To == key.From)
            return "";
        // The tenants' own table cannot be shared. Rows that several tenants name lose the reference then.
        if (scope[key.To].Scope == TableScope.Root || !scope[key.From].IsTenantData)
            return Blank(key);
        return Shared(key.To) is { } rule ? ReferenceMessages.SharedRows(key.To, rule) : "";
    }

    /// <summary>For a row of somebody else that names a row of the tenant.</summary>
    public string Inward(ForeignKey key)
    {
        var from = scope[key.From];
        if (from.Scope == TableScope.Root)
            return ReferenceMessages.NoTreeOfTenants(from.Name, key.FromColumns[0]);
        if (from.Scope == TableScope.Derived && !tenancy.Rules.ContainsKey(from.Name) && Parents(from) is { } parents)
            return ReferenceMessages.SeveralParents(from.Name, parents);
        // What is somebody's by a column of its own is not shared.
        return scope[key.To].Scope == TableScope.Derived && Shared(key.To) is { } rule
            ? ReferenceMessages.SharedRows(key.To, rule)
            : "";
    }

    /// <summary>For rows that are the tenant's and somebody else's.</summary>
    public string Claimed(ScopedTable table) =>
        tenancy.Rules.GetValueOrDefault(table.Name) is NamedByRule named
            ? ReferenceMessages.SharedRows(
                table.Name,
                RuleJson.Line(table.Name, new SharedThroughRule(named.Names, []))
            )
            : "";

    string Blank(ForeignKey key)
    {
        var from = scope[key.From];
        var names = NamesOf(key.From);
        var loses = key.FromColumns is [var column] && from.Table.Column(column) is { NotNull: false };
        return names.Length > 0 && loses
            ? ReferenceMessages.BlankColumn(
                from.Name,
                key.FromColumns[0],
                RuleJson.Line(from.Name, new SharedThroughRule(names, [.. BlankOf(from.Name), key.FromColumns[0]]))
            )
            : "";
    }

    string? Shared(TableName table) =>
        NamesOf(table) is { Length: > 0 } names && scope[table].Table.Key.Count == 1
            ? RuleJson.Line(table, new SharedThroughRule(names, BlankOf(table)))
            : null;

    IReadOnlyList<string> BlankOf(TableName table) =>
        tenancy.Rules.GetValueOrDefault(table) is SharedThroughRule rule ? rule.Blank : [];

    // The columns by which rows of tenants name rows of a table, and those of its present rule. A table that is a tenant's
    // through this one tells nothing.
    NamingColumn[] NamesOf(TableName table) =>
        [
            .. (tenancy.Rules.GetValueOrDefault(table) is SharedThroughRule rule ? rule.Names : [])
                .Concat(
                    scope
                        .ForeignKeys.Where(key => key.To == table && key.From != table && key.FromColumns.Count == 1)
                        .Where(key => scope[key.From].IsTenantData)
                        .Where(key => !scope.PathOf(scope[key.From]).Any(step => step.To == table))
                        .Select(key => new NamingColumn(key.From, key.FromColumns[0]))
                )
                .Distinct(),
        ];

    // Two keys to one parent need "by" as well.
    TableName[]? Parents(ScopedTable from)
    {
        var parents = scope
            .ForeignKeys.Where(one => one.From == from.Name && one.To != from.Name)
            .Where(one => scope[one.To].IsTenantData)
            .Select(one => one.To)
            .ToArray();
        return parents.Length > 1 && parents.Distinct().Count() == parents.Length ? parents : null;
    }
}
