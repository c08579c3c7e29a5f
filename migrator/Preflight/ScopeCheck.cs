using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Scope;
using Migrator.Settings;
using Npgsql;

namespace Migrator.Preflight;

/// <summary>Every table has a rule, and every rule of the settings names a table.</summary>
sealed class ScopeCheck(PreflightContext context)
{
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var rules = new RuleCheck(context.Tenancy, context.Catalog, context.Scope, context.Faults);
        rules.Run();
        if (rules.Silent.ToArray() is { Length: > 0 } silent)
            await RefuseAsync(silent, cancellationToken);

        foreach (var table in context.Scope.Tables.Where(table => table.IsCopied))
        {
            if (table.Scope == TableScope.Direct && table.TenantColumn.Generated)
                context.Faults.Add(
                    PreflightMessages.TenantColumnGenerated(table.Name, table.TenantColumn.Name, ParentOf(table))
                );
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

    async Task RefuseAsync(IReadOnlyList<TableDefinition> silent, CancellationToken cancellationToken)
    {
        var rules = await GuessedAsync(cancellationToken);
        var told = silent.Where(table => rules.ContainsKey(table.Name)).ToArray();
        context.Faults.Add(
            PreflightMessages.Unclassified(
                context.Slug,
                silent.Select(table => table.Name),
                context.Tenancy.TenantColumns,
                [.. told.Select(table => RuleJson.Line(table.Name, rules[table.Name]))],
                [.. silent.Except(told).Select(table => table.Name)]
            )
        );
    }

    // A role that may not read a table is told so by another check.
    async Task<IReadOnlyDictionary<TableName, TableRule>> GuessedAsync(CancellationToken cancellationToken)
    {
        await context.Shared.ExecuteAsync("SAVEPOINT guess", cancellationToken);
        try
        {
            var (guessed, _) = await Suggestion.ReadAsync(
                context.Shared,
                context.Tenancy,
                context.Slug,
                cancellationToken
            );
            return guessed.Rules;
        }
        catch (PostgresException)
        {
            await context.Shared.ExecuteAsync("ROLLBACK TO SAVEPOINT guess", cancellationToken);
            return context.Tenancy.Rules;
        }
    }

    string? ParentOf(ScopedTable table) =>
        context.Catalog.ForeignKeys.FirstOrDefault(key =>
            key.From == table.Name
            && key.To != table.Name
            && context.Scope.Tables.Any(one =>
                one.Name == key.To && one is { IsTenantData: true, Scope: not TableScope.Root }
            )
        )
            is { } key
            ? RuleJson.Line(table.Name, new BelongsToRule(key.To, Columns(key)))
            : null;

    static Dictionary<string, string> Columns(ForeignKey key) =>
        key.FromColumns.Zip(key.ToColumns).ToDictionary(pair => pair.First, pair => pair.Second);
}
