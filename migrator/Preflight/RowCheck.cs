using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Scope;
using Migrator.Settings;

namespace Migrator.Preflight;

/// <summary>Rows that belong to no tenant, and foreign keys without an index.</summary>
sealed class RowCheck(PreflightContext context)
{
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await CountRowsWithoutTenantAsync(cancellationToken);
        await CountRowsWithoutParentAsync(cancellationToken);
        await CheckTypesAsync(cancellationToken);
        await CheckIndexesAsync(cancellationToken);
    }

    async Task CountRowsWithoutTenantAsync(CancellationToken cancellationToken)
    {
        foreach (var table in context.Scope.TenantTables)
            if (
                table.WithoutTenant("t") is { } unowned
                && await context.Shared.ExecuteScalarAsync<long>(
                    $"SELECT count(*) FROM {table.Table.From} t WHERE {unowned}",
                    cancellationToken
                )
                    is > 0
                        and var rows
            )
                context.Warnings.Add(
                    table.NullIsGlobal
                        ? PreflightMessages.RowsOfEverybody(table.Name, rows)
                        : PreflightMessages.RowsWithoutTenant(table.Name, rows)
                );
    }

    async Task CountRowsWithoutParentAsync(CancellationToken cancellationToken)
    {
        foreach (var table in context.Scope.TenantTables)
        foreach (var claim in table.Claims.Where(claim => claim.Step is { IsDeclared: false }))
        {
            var step = claim.Step!;
            var parent = context.Scope[step.To].Table.From;
            var names = claim.Names("t", _ => true);
            var rows = await context.Shared.ExecuteScalarAsync<long>(
                $"""
                SELECT count(*) FROM {table.Table.From} t WHERE {string.Join(" AND ", names)}
                    AND NOT EXISTS (SELECT FROM {parent} p WHERE {step.Join("t", "p")})
                """,
                cancellationToken
            );
            if (rows > 0)
                context.Warnings.Add(PreflightMessages.UnenforcedRule(table.Name, step.To, rows));
        }
    }

    // A type that the rule does not know may be the tenant's.
    async Task CheckTypesAsync(CancellationToken cancellationToken)
    {
        foreach (var (name, whole) in context.Tenancy.Rules)
        foreach (var rule in (whole is AnyOfRule any ? any.Rules : [whole]).OfType<ByTypeRule>())
        {
            var type = $"t.{Sql.Identifier(rule.Type)}";
            var values = await context.Shared.QueryAsync<string>(
                $"""
                SELECT {type}::text || ' (' || count(*) || ' rows)' FROM {context.Scope[name].Table.From} t
                WHERE {type}::text <> ALL (@known) AND t.{Sql.Identifier(rule.Id)} IS NOT NULL
                GROUP BY {type} ORDER BY count(*) DESC LIMIT 20
                """,
                new { known = rule.To.Keys.ToArray() },
                cancellationToken
            );
            if (values.Count > 0)
                context.Faults.Add(PreflightMessages.UnknownTypes(name, rule.Type, values));
        }
    }

    // Deleting a referenced row searches for the rows that refer to it; without an index, each delete scans the
    // whole table.
    async Task CheckIndexesAsync(CancellationToken cancellationToken)
    {
        const long worthAnIndex = 10_000;
        foreach (
            var key in context.Scope.References.Where(key =>
                context.Scope[key.To] is { IsTenantData: true, Scope: not TableScope.Root }
                && context.Scope[key.From].Table.EstimatedRows > worthAnIndex
            )
        )
            if (
                !await context.Shared.ExecuteScalarAsync<bool>(
                    """
                    SELECT EXISTS (SELECT FROM pg_index i
                                   WHERE i.indrelid = CAST(@table AS regclass) AND i.indisvalid
                                     AND (SELECT array_agg(a.attname::text) FROM pg_attribute a
                                          WHERE a.attrelid = i.indrelid AND a.attnum = ANY (
                                              (i.indkey::int2[])[0:cardinality(@columns) - 1])) @> @columns)
                    """,
                    new { table = key.From.Quoted, columns = key.FromColumns.ToArray() },
                    cancellationToken
                )
            )
                context.Warnings.Add(
                    PreflightMessages.ForeignKeyWithoutIndex(key.Name, key.From, key.FromColumns, key.To)
                );
    }
}
