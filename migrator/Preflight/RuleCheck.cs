using Migrator.Messages;
using Migrator.Model;
using Migrator.Scope;
using Migrator.Settings;

namespace Migrator.Preflight;

/// <summary>Every rule of tenancy.json fits the database; the faults are told all at once.</summary>
sealed class RuleCheck(PreflightContext context)
{
    public void Run()
    {
        foreach (var (name, rule) in context.Tenancy.Rules)
        foreach (var why in WhyNot(name, rule))
            context.Faults.Add(
                PreflightMessages.RuleDoesNotFit(name, context.Tenancy.RulePlaces.GetValueOrDefault(name), why)
            );
        foreach (var table in context.Scope.Tables)
            if (context.Scope.TenantColumnsOf(table) is { Count: > 1 } columns)
                context.Faults.Add(PreflightMessages.SeveralTenantColumns(table.Name, columns));
    }

    IEnumerable<string> WhyNot(TableName name, TableRule rule)
    {
        if (context.Catalog.Find(name) is not { } table)
            return [PreflightMessages.NoSuchTable(name)];
        if (
            name == context.Tenancy.Table
            || context.Tenancy.Reference.Contains(name)
            || context.Tenancy.Ignored.Contains(name)
            || context.Tenancy.Derived.ContainsKey(name)
        )
            return [PreflightMessages.SecondRule()];
        return WhyNot(table, rule).OfType<string>().Distinct();
    }

    IEnumerable<string?> WhyNot(TableDefinition table, TableRule rule) =>
        rule switch
        {
            TenantRule tenant => [WhyNot(table, tenant)],
            BelongsToRule belongs => [WhyNot(table, belongs)],
            ByTypeRule byType => WhyNot(table, byType),
            WhereRule where =>
            [
                RowCondition.Parse(where.Condition, table) is { Columns.Count: > 0 }
                    ? null
                    : ScopeMessages.WhereUnreadable(),
            ],
            NamedByRule named => named.Names.Select(name => WhyNot(table, name)),
            SharedThroughRule shared => shared
                .Names.Select(name => WhyNot(table, name))
                .Concat(shared.Blank.Select(column => WhyNotBlank(table, column))),
            AnyOfRule any => any.Rules.SelectMany(one => WhyNot(table, one)),
            _ => [],
        };

    string? WhyNot(TableDefinition table, TenantRule rule) =>
        table.Column(rule.Column) is not { } column ? PreflightMessages.NoSuchColumn(rule.Column)
        : Classifier.HoldsKey(context.Catalog, context.Tenancy, column) ? null
        : PreflightMessages.CannotHoldTheKey(rule.Column, column.TypeText);

    IEnumerable<string?> WhyNot(TableDefinition table, ByTypeRule rule)
    {
        foreach (var column in (string[])[rule.Type, rule.Id])
            if (table.Column(column) is null)
                yield return PreflightMessages.NoSuchColumn(column);
        foreach (var target in rule.To.Values.Distinct())
            if (context.Catalog.Find(target) is not { } parent)
                yield return PreflightMessages.NoSuchTable(target);
            else if (context.Scope.Tables.FirstOrDefault(one => one.Name == target) is not { } scoped)
                yield return PreflightMessages.LeadsToNoTenant(target);
            else if (scoped.IsTenantData && RuledKeys.Find(context.Catalog, table, rule, target) is null)
                yield return PreflightMessages.NoKeyForTheType(target, rule.Id, parent.Key);
    }

    string? WhyNot(TableDefinition table, NamingColumn name)
    {
        if (context.Catalog.Find(name.Table) is not { } naming)
            return PreflightMessages.NoSuchTable(name.Table);
        if (naming.Column(name.Column) is null)
            return PreflightMessages.NoSuchColumn($"{name.Table}.{name.Column}");
        if (RuledKeys.Find(context.Catalog, table, name) is null)
            return PreflightMessages.NoKeyForTheType(table.Name, $"{name.Table}.{name.Column}", table.Key);
        return context.Scope.Tables.Any(one => one.Name == name.Table && one.IsTenantData)
            ? null
            : PreflightMessages.LeadsToNoTenant(name.Table);
    }

    // By a foreign key, or by a column that is called after the parent.
    string? LineFor(TableDefinition table, TableDefinition parent)
    {
        var key = context.Catalog.ForeignKeys.FirstOrDefault(key => key.From == table.Name && key.To == parent.Name);
        var by = key?.FromColumns.Zip(key.ToColumns).ToDictionary(pair => pair.First, pair => pair.Second);
        if (by is null && parent.Key is [var one])
            by = table
                .Columns.Where(column => GuessedNames.TargetOf(context.Catalog, table, column) == parent)
                .Take(1)
                .ToDictionary(column => column.Name, _ => one);
        return by is { Count: > 0 } ? RuleJson.Line(table.Name, new BelongsToRule(parent.Name, by)) : null;
    }

    static string? WhyNotBlank(TableDefinition table, string column) =>
        table.Column(column) is not { } found ? PreflightMessages.NoSuchColumn(column)
        : found.NotNull || table.Key.Contains(column) ? PreflightMessages.CannotBeBlank(column)
        : null;

    string? WhyNot(TableDefinition table, BelongsToRule rule)
    {
        if (context.Catalog.Find(rule.Parent) is not { } parent)
            return PreflightMessages.NoSuchTable(rule.Parent);
        foreach (var (from, to) in rule.By)
            if (
                (
                    table.Column(from) is null ? from
                    : parent.Column(to) is null ? to
                    : null
                ) is
                { } missing
            )
                return PreflightMessages.NoSuchColumn(missing);
        if (RuledKeys.Find(context.Catalog, table, rule) is null)
            return rule.By.Count == 0
                ? PreflightMessages.NoSingleKeyTo(rule.Parent, LineFor(table, parent))
                : PreflightMessages.NoKeyOfTheParent(rule.Parent, parent.Key);
        return context.Scope.Tables.Any(one => one.Name == rule.Parent && one.IsTenantData)
            ? null
            : PreflightMessages.LeadsToNoTenant(rule.Parent);
    }
}
