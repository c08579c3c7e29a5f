using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Scope;
using Migrator.Settings;

namespace Migrator.Preflight;

/// <summary>Rows that belong to no tenant, or of which a rule cannot tell.</summary>
sealed class RowCheck(PreflightContext context)
{
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await CountRowsWithoutTenantAsync(cancellationToken);
        await CountRowsWithoutParentAsync(cancellationToken);
        await CheckTypesAsync(cancellationToken);
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
        foreach (var claim in table.Claims.Where(claim => claim.Step is { IsLoose: true }))
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
            var values = await context.Shared.QueryAsync<(string Value, long Rows)>(
                $"""
                SELECT {type}::text, count(*) FROM {context.Scope[name].Table.From} t
                WHERE {type}::text <> ALL (@known) AND t.{Sql.Identifier(rule.Id)} IS NOT NULL
                GROUP BY {type} ORDER BY count(*) DESC LIMIT 20
                """,
                new { known = rule.To.Keys.ToArray() },
                cancellationToken
            );
            if (values.Count > 0)
                context.Faults.Add(
                    PreflightMessages.UnknownTypes(
                        name,
                        context.Tenancy.RulePlaces.GetValueOrDefault(name),
                        rule.Type,
                        values.Select(one => $"{one.Value} ({one.Rows} rows)"),
                        values.Select(one =>
                            $"\"{one.Value}\": \"{GuessedNames.Named(context.Catalog, name, one.Value)?.Name.ToString()
                                ?? "schema.table"}\""
                        )
                    )
                );
        }
    }
}
