using Migrator.Connections;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Schema;
using Migrator.Scope;
using Npgsql;

namespace Migrator.Preflight;

/// <summary>References between the tenant's rows and other tenants' rows, in both directions.</summary>
sealed class ReferenceCheck(PreflightContext context)
{
    // Both directions: T could not satisfy a reference to another tenant's row, and a reference from one would
    // stop finalize.
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        foreach (var key in context.Scope.ForeignKeys)
        {
            var (from, to) = (context.Scope[key.From], context.Scope[key.To]);
            var tenantColumn =
                from.IsTenantData && from.Scope == TableScope.Direct ? context.Scope.TenantColumn(from).Name : null;
            // A key with the tenant's column on both sides cannot cross tenants, nor can the key that derives
            // the table.
            var carries =
                to.IsTenantData
                && to.Scope is TableScope.Root or TableScope.Direct
                && key.FromColumns.Zip(key.ToColumns)
                    .Any(pair => pair.First == tenantColumn && pair.Second == context.Scope.TenantColumn(to).Name);
            if (carries || to.Scope == TableScope.Reference || from.Path.FirstOrDefault() == key)
                continue;

            var join = string.Join(
                " AND ",
                key.FromColumns.Zip(key.ToColumns, (f, t) => $"p.{Sql.Identifier(t)} = t.{Sql.Identifier(f)}")
            );
            var ours = context.Condition(from, "t");
            var theirs = $"({context.Condition(to, "p")}) IS NOT TRUE";
            var label =
                from.Table.Key.Count > 0
                    ? string.Join(" || ', ' || ", from.Table.Key.Select(name => $"t.{Sql.Identifier(name)}::text"))
                    : "t.ctid::text";
            if (from.IsCopied)
                await AddCrossingsAsync(
                    from,
                    key,
                    label,
                    $"{ours} AND EXISTS (SELECT FROM {to.Table.From} p WHERE {join} AND {theirs})",
                    inward: false,
                    cancellationToken
                );
            // An ignored table's rows stay, and would refer to rows that finalize deletes. The tenant's own row
            // stays too.
            if (
                from.Scope != TableScope.Reference
                && to is { IsTenantData: true }
                && (to.Scope != TableScope.Root || from.IsTenantData)
            )
                await AddCrossingsAsync(
                    from,
                    key,
                    label,
                    $"({ours}) IS NOT TRUE "
                        + $"AND EXISTS (SELECT FROM {to.Table.From} p WHERE {join} AND {context.Condition(to, "p")})",
                    inward: true,
                    cancellationToken
                );
        }
    }

    async Task AddCrossingsAsync(
        ScopedTable from,
        ForeignKey key,
        string label,
        string condition,
        bool inward,
        CancellationToken cancellationToken
    )
    {
        var (count, samples) = await context.Shared.QuerySingleAsync<(long, string[])>(
            "SELECT count(*), coalesce((array_agg(label))[1:5], '{}') "
                + $"FROM (SELECT {label} AS label FROM {from.Table.From} t WHERE {condition}) crossing",
            cancellationToken
        );
        if (count > 0)
            context.Faults.Add(
                inward
                    ? PreflightMessages.ReferencedByOthers(from.Name, key.To, key.Name, count, samples)
                    : PreflightMessages.CrossTenantReference(from.Name, key.To, key.Name, count, samples)
            );
    }
}
