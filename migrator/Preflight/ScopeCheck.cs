using Migrator.Messages;
using Migrator.Scope;

namespace Migrator.Preflight;

/// <summary>Every table has a rule, and every rule of the settings names a table.</summary>
sealed class ScopeCheck(PreflightContext context)
{
    public void Run()
    {
        foreach (
            var name in context
                .Tenancy.Reference.Concat(context.Tenancy.Ignored)
                .Concat(context.Tenancy.Derived.Keys)
                .Where(name => context.Catalog.Find(name) is null)
        )
            context.Faults.Add(PreflightMessages.SettingNamesNoTable(name));
        foreach (
            var name in context.Tenancy.Derived.Keys.Where(name =>
                context.Catalog.Find(name) is not null && context.Scope.Unclassified.Any(table => table.Name == name)
            )
        )
            context.Faults.Add(
                PreflightMessages.DerivedPathUnknown(
                    name,
                    context.Tenancy.Derived[name],
                    context
                        .Catalog.ForeignKeys.Where(key => key.From == name)
                        .Select(key => $"{string.Join(",", key.FromColumns)} → {key.To}")
                )
            );
        new RuleCheck(context).Run();
        var silent = context
            .Scope.Unclassified.Where(table => !context.Tenancy.Rules.ContainsKey(table.Name))
            .Where(table => !context.Tenancy.Derived.ContainsKey(table.Name))
            .ToArray();
        if (silent.Length > 0)
            context.Faults.Add(
                PreflightMessages.Unclassified(
                    context.Slug,
                    silent.Select(table => table.Name),
                    context.Tenancy.TenantColumns
                )
            );

        foreach (var table in context.Scope.Tables.Where(table => table.IsCopied))
        {
            if (table.Scope == TableScope.Direct && table.TenantColumn.Generated)
                context.Faults.Add(PreflightMessages.TenantColumnGenerated(table.Name, table.TenantColumn.Name));
            if (table.Table.IsForeign)
                context.Faults.Add(PreflightMessages.ForeignTable(table.Name));
            if (table.Table.Unlogged)
                context.Warnings.Add(PreflightMessages.UnloggedTable(table.Name));
            if (table.Scope != TableScope.Derived || context.Tenancy.Rules.ContainsKey(table.Name))
                continue;
            foreach (
                var named in table
                    .Table.Columns.Where(one => context.Tenancy.TenantColumns.Contains(one.Name))
                    .Where(one => !Classifier.HoldsKey(context.Catalog, context.Tenancy, one))
            )
                context.Warnings.Add(PreflightMessages.TenantColumnOfOtherType(table.Name, named.Name, named.TypeText));
        }
    }
}
