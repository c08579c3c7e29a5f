using Migrator.Messages;
using Migrator.Model;
using Migrator.Scope;
using Migrator.Settings;

namespace Migrator.Preflight;

/// <summary>Every rule of tenancy.json fits the database; the faults are told all at once, and no tenant is needed.</summary>
sealed class RuleCheck(Tenancy tenancy, Catalog catalog, TenantScope scope, List<string> faults)
{
    /// <summary>Tables of which no setting says anything.</summary>
    public IEnumerable<TableDefinition> Silent =>
        scope.Unclassified.Where(table =>
            !tenancy.Rules.ContainsKey(table.Name) && !tenancy.Derived.ContainsKey(table.Name)
        );

    public void Run()
    {
        faults.AddRange(UnknownTables(tenancy, catalog));
        foreach (var name in tenancy.Derived.Keys.Where(name => scope.Unclassified.Any(table => table.Name == name)))
            faults.Add(
                PreflightMessages.DerivedPathUnknown(
                    name,
                    tenancy.Derived[name],
                    tenancy.PlaceOf(name),
                    catalog
                        .ForeignKeys.Where(key => key.From == name)
                        .Select(key => $"{string.Join(",", key.FromColumns)} → {key.To}")
                )
            );
        foreach (var (name, rule) in tenancy.Rules)
        foreach (var why in WhyNot(name, rule))
            faults.Add(PreflightMessages.RuleDoesNotFit(name, tenancy.PlaceOf(name), why));
        foreach (var table in scope.Tables)
            if (scope.TenantColumnsOf(table) is { Count: > 1 } columns)
                faults.Add(PreflightMessages.SeveralTenantColumns(table.Name, columns));
    }

    /// <summary>A sentence for each table that a list names, or a map, and that is not there.</summary>
    public static IEnumerable<string> UnknownTables(Tenancy tenancy, Catalog catalog) =>
        tenancy
            .Reference.Concat(tenancy.Ignored)
            .Concat(tenancy.Derived.Keys)
            .Where(name => catalog.Find(name) is null)
            .Select(name => PreflightMessages.SettingNamesNoTable(name, tenancy.PlaceOf(name)));

    IEnumerable<string> WhyNot(TableName name, TableRule rule)
    {
        if (catalog.Find(name) is not { } table)
            return [PreflightMessages.NoSuchTable(name)];
        if (
            name == tenancy.Table
            || tenancy.Reference.Contains(name)
            || tenancy.Ignored.Contains(name)
            || tenancy.Derived.ContainsKey(name)
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
            WhereRule where => WhyNot(table, where),
            NamedByRule named => named.Names.Select(name => WhyNot(table, name)),
            SharedThroughRule shared => shared
                .Names.Select(name => WhyNot(table, name))
                .Concat(shared.Blank.Select(column => WhyNotBlank(table, column))),
            AnyOfRule any => any.Rules.SelectMany(one => WhyNot(table, one)),
            _ => [],
        };

    IEnumerable<string?> WhyNot(TableDefinition table, WhereRule rule)
    {
        if (RowCondition.Parse(rule.Condition, table) is not { Columns.Count: > 0 } condition)
            return [ScopeMessages.WhereUnreadable()];
        TableName[] referring = condition.Reads.Count == 0 ? [] : [.. Referring(table.Name)];
        return condition
            .Reads.Select(WhyNotRead)
            .Append(referring.Length == 0 ? null : ScopeMessages.WhereReferredTo(referring));
    }

    string? WhyNotRead(TableName name) =>
        catalog.Find(name) is null ? PreflightMessages.NoSuchTable(name)
        : scope.Tables.FirstOrDefault(one => one.Name == name) is { } table && Classifier.MayBeRead(table) ? null
        : ScopeMessages.WhereReads(name);

    IEnumerable<TableName> Referring(TableName table) =>
        catalog
            .ForeignKeys.Concat(scope.References)
            .Where(key => key.To == table && key.From != table)
            .Select(key => key.From)
            .Distinct();

    string? WhyNot(TableDefinition table, TenantRule rule) =>
        table.Column(rule.Column) is not { } column ? PreflightMessages.NoSuchColumn(rule.Column)
        : Classifier.HoldsKey(catalog, tenancy, column) ? null
        : PreflightMessages.CannotHoldTheKey(rule.Column, column.TypeText);

    IEnumerable<string?> WhyNot(TableDefinition table, ByTypeRule rule)
    {
        foreach (var column in (string[])[rule.Type, rule.Id])
            if (table.Column(column) is null)
                yield return PreflightMessages.NoSuchColumn(column);
        foreach (var target in rule.To.Values.Distinct())
            if (catalog.Find(target) is not { } parent)
                yield return PreflightMessages.NoSuchTable(target);
            else if (scope.Tables.FirstOrDefault(one => one.Name == target) is not { } scoped)
                yield return PreflightMessages.LeadsToNoTenant(target);
            else if (scoped.IsTenantData && RuledKeys.Find(catalog, table, rule, target) is null)
                yield return PreflightMessages.NoKeyForTheType(target, rule.Id, parent.Key);
    }

    string? WhyNot(TableDefinition table, NamingColumn name)
    {
        if (catalog.Find(name.Table) is not { } naming)
            return PreflightMessages.NoSuchTable(name.Table);
        if (naming.Column(name.Column) is null)
            return PreflightMessages.NoSuchColumn($"{name.Table}.{name.Column}");
        if (RuledKeys.Find(catalog, table, name) is null)
            return PreflightMessages.NoKeyForTheType(table.Name, $"{name.Table}.{name.Column}", table.Key);
        return scope.Tables.Any(one => one.Name == name.Table && one.IsTenantData)
            ? null
            : PreflightMessages.LeadsToNoTenant(name.Table);
    }

    // By a foreign key, or by a column that is called after the parent.
    string? LineFor(TableDefinition table, TableDefinition parent)
    {
        var key = catalog.ForeignKeys.FirstOrDefault(key => key.From == table.Name && key.To == parent.Name);
        var by = key?.FromColumns.Zip(key.ToColumns).ToDictionary(pair => pair.First, pair => pair.Second);
        if (by is null && parent.Key is [var one])
            by = table
                .Columns.Where(column => GuessedNames.TargetOf(catalog, table, column) == parent)
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
        if (catalog.Find(rule.Parent) is not { } parent)
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
        if (RuledKeys.Find(catalog, table, rule) is null)
            return rule.By.Count == 0
                ? PreflightMessages.NoSingleKeyTo(rule.Parent, LineFor(table, parent))
                : PreflightMessages.NoKeyOfTheParent(rule.Parent, parent.Key);
        return scope.Tables.Any(one => one.Name == rule.Parent && one.IsTenantData)
            ? null
            : PreflightMessages.LeadsToNoTenant(rule.Parent);
    }
}
