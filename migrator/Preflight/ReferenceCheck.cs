using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Scope;

namespace Migrator.Preflight;

/// <summary>References between the tenant's rows and those of others, either way.</summary>
sealed class ReferenceCheck(PreflightContext context)
{
    readonly InwardReferences inward = new(context.Scope, context.Tenant);
    readonly ReferenceCures cures = new(context.Scope, context.Tenancy);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        // A reference out of the tenant could never be satisfied in T.
        foreach (var key in context.Scope.ForeignKeys.Where(IsOutward))
        {
            var (from, to) = (context.Scope[key.From], context.Scope[key.To]);
            var theirs = $"({context.Copied(to, "p")}) IS NOT TRUE";
            var crossing = $"EXISTS (SELECT FROM {to.Table.From} p WHERE {key.Join("t", "p")} AND {theirs})";
            var (count, samples) = await CountAsync(
                from,
                $"{context.Copied(from, "t")} AND {crossing}",
                cancellationToken
            );
            if (count > 0)
                context.Faults.Add(
                    ReferenceMessages.CrossTenantReference(
                        key.From,
                        key.To,
                        key.Name,
                        count,
                        samples,
                        cures.Outward(key)
                    )
                );
        }
        await CheckClaimsAsync(cancellationToken);
        // A reference into the tenant would stop finalize. The tenant's own row stays.
        foreach (var table in context.Scope.TenantTables)
        foreach (var key in inward.KeysInto(table).Where(key => !StopsNothing(key)))
        {
            var from = context.Scope[key.From];
            var condition = inward.Condition(key, table.Table.From, context.Condition(table, "p"));
            var (count, samples) = await CountAsync(from, condition, cancellationToken);
            if (count > 0)
                context.Faults.Add(
                    ReferenceMessages.ReferencedByOthers(from.Name, key.To, key.Name, count, samples, cures.Inward(key))
                );
        }
    }

    // A row that two tenants can claim would be deleted with the first of them.
    async Task CheckClaimsAsync(CancellationToken cancellationToken)
    {
        foreach (
            var table in context.Scope.TenantTables.Where(table =>
                table.Tree is null && (table.Claims.Count > 1 || table.Steps.Any(step => step.IsMany))
            )
        )
        foreach (var others in await OthersAsync(table, cancellationToken))
        {
            var claimed = context.Scope.ClaimedByOthers(table, "t", context.Tenant.Id, others);
            var (count, samples) = await CountAsync(
                table,
                $"{context.Condition(table, "t")} AND ({claimed})",
                cancellationToken
            );
            if (count == 0)
                continue;
            context.Faults.Add(PreflightMessages.ClaimedByOthers(table.Name, count, samples, cures.Claimed(table)));
            break;
        }
    }

    // Whom the table's conditions have to be asked of; so many at a time as a statement may well name.
    async Task<IEnumerable<TenantId[]>> OthersAsync(ScopedTable table, CancellationToken cancellationToken)
    {
        var root = context.Scope.Root;
        IReadOnlyList<(string Key, string Slug)> others = table.Claims.All(claim => claim.Where is null)
            ? []
            : await context.Shared.QueryAsync<(string, string)>(
                $"""
                SELECT {Sql.Identifier(root.TenantColumn.Name)}::text,
                       coalesce({Sql.Identifier(context.Tenancy.SlugColumn)}::text, '')
                FROM {root.Table.From} t
                WHERE ({context.Condition(root, "t")}) IS NOT TRUE
                """,
                cancellationToken
            );
        return others.Select(other => new TenantId(other.Key, other.Slug)).Chunk(200).DefaultIfEmpty([]);
    }

    bool IsOutward(ForeignKey key) =>
        key.IsDeclared
        && context.Scope[key.From].IsCopied
        && context.Scope[key.To].Scope != TableScope.Reference
        && !context.Scope.StaysInside(key)
        // Only the tenant on top names a row outside of the tree, and TreeCheck looks at it.
        && !(key.From == context.Scope.Root.Name && key.Name == context.Scope.Root.Tree?.Name);

    bool StopsNothing(ForeignKey key) =>
        context.Scope[key.To].Scope == TableScope.Root && !context.Scope[key.From].IsTenantData;

    async Task<(long Count, string[] Samples)> CountAsync(
        ScopedTable table,
        string condition,
        CancellationToken cancellationToken
    )
    {
        var label = InwardReferences.Label(table, "t");
        return await context.Shared.QuerySingleAsync<(long, string[])>(
            $"""
            SELECT count(*), coalesce((array_agg(label))[1:5], '{"{}"}')
            FROM (SELECT {label} AS label FROM {table.Table.From} t WHERE {condition}) crossing
            """,
            cancellationToken
        );
    }
}
